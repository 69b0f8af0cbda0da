// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutines that begin in one session, suspend, and go on in another, on another thread as well:
// each session's figures against the program's own count, frames included.

#include "job.h"

#include <memscope/memscope.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

static void *volatile sink;

static job work(std::size_t size) {
    void *first = note(std::malloc(size), size);
    sink = first;
    co_await std::suspend_always();
    void *second = note(std::malloc(2 * size), 2 * size);
    sink = second;
    co_await std::suspend_always();
    std::free(first);
    note_free(size);
    std::free(second);
    note_free(2 * size);
}

struct expected {
    memscope_session session;
    std::uint64_t calls, bytes, frees, freed;
};

static expected start(memscope_backend backend) {
    expected now = {0, calls, bytes, frees, freed};
    if (memscope_start_tracking(backend, &now.session) != MEMSCOPE_OK)
        std::abort();
    return now;
}

static int compare(const expected &then) {
    memscope_analysis data;
    if (memscope_session_end(then.session, &data) != MEMSCOPE_OK)
        return 1;
    const memscope_statistics &seen = data.statistics;
    bool same = seen.total_allocations == calls - then.calls &&
                seen.total_bytes == bytes - then.bytes && seen.total_frees == frees - then.frees &&
                seen.freed_bytes == freed - then.freed;
    bool is_coroutine = data.environment.primary_runtime == MEMSCOPE_RUNTIME_CPP_COROUTINE;
    std::printf("%d %d: %llu calls of %llu, %llu bytes of %llu, %llu alive\n", same, is_coroutine,
                (unsigned long long)seen.total_allocations,
                (unsigned long long)(calls - then.calls), (unsigned long long)seen.total_bytes,
                (unsigned long long)(bytes - then.bytes),
                (unsigned long long)data.environment.async_task_count);
    memscope_analysis_free(&data);
    return same && is_coroutine ? 0 : 1;
}

static void resume_all(job *jobs, int count) {
    for (int i = 0; i < count; i++)
        jobs[i].handle.resume();
}

int main() {
    constexpr int COUNT = 50;
    job jobs[COUNT];
    memscope_backend backend;
    char buffer[4096];
    std::setvbuf(stdout, buffer, _IOFBF, sizeof buffer); // or printf would allocate
    if (memscope_backend_initialize(nullptr, &backend) != MEMSCOPE_OK)
        return 2;
    expected outer = start(backend), first = start(backend);
    for (int i = 0; i < COUNT; i++)
        jobs[i] = work(100 + i);
    resume_all(jobs, COUNT);
    int wrong = compare(first);
    expected second = start(backend);
    resume_all(jobs, COUNT);
    wrong += compare(second) + compare(outer);
    std::thread([&] { // what std::thread itself allocates comes before and after the session
        expected third = start(backend);
        resume_all(jobs, COUNT);
        for (int i = 0; i < COUNT; i++)
            jobs[i].handle.destroy();
        wrong += compare(third);
    })
        .join();
    std::printf("wrong: %d\n", wrong);
    return wrong != 0;
}
