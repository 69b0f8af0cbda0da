// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Four threads with a session each, which overlap; coroutines that begin in one, suspend, and are
// resumed in another session by another thread, which frees what the thread before allocated. Each
// session's figures against the program's own count, and its peak against what must have been
// alive.

#include "job.h"

#include <memscope/memscope.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>

namespace {

constexpr int THREADS = 4, JOBS = 40, STEPS = 2 * THREADS;

struct sums {
    std::uint64_t calls, bytes, frees, freed;
    std::uint64_t live() const {
        return bytes - freed;
    }
};

sums now() {
    return {calls, bytes, frees, freed};
}

void *volatile sink;

// A part of a job that is a coroutine by itself: its frame is freed where it ends, in another
// session.
job part(std::size_t size) {
    void *block = note(std::malloc(size), size);
    sink = block;
    co_await std::suspend_always();
    std::free(block);
    note_free(size);
}

job work(std::size_t size) {
    void *last = nullptr;
    std::size_t last_size = 0;
    for (int i = 0; i < STEPS - 1; i++) {
        job one = part(size + 7 * i);
        one.handle.resume();
        void *block = note(std::malloc(2 * size + i), 2 * size + i);
        sink = block;
        if (last) {
            std::free(last);
            note_free(last_size);
        }
        last = block;
        last_size = 2 * size + i;
        co_await std::suspend_always();
        one.handle.resume();
        one.handle.destroy();
    }
    std::free(last);
    note_free(last_size);
}

memscope_backend backend;
job jobs[JOBS];
sums at[STEPS + 1]; // before each step; nobody works meanwhile
memscope_session sessions[THREADS];
memscope_analysis data[THREADS];
std::atomic<int> failed;
pthread_barrier_t steps;

void check(memscope_status status) {
    if (status != MEMSCOPE_OK) {
        std::printf("%s\n", memscope_error_message());
        failed++;
    }
}

// Session n spans the steps n to n + THREADS - 1, and is begun and ended by thread n. In step s job
// j is run by thread (j + s) % THREADS.
void *run(void *argument) {
    int number = (int)(std::intptr_t)argument;
    for (int step = 0; step <= STEPS; step++) {
        pthread_barrier_wait(&steps);
        if (number == 0)
            at[step] = now();
        if (step == number)
            check(memscope_start_tracking(backend, &sessions[number]));
        if (step == number + THREADS)
            check(memscope_session_end(sessions[number], &data[number]));
        pthread_barrier_wait(&steps);
        for (int j = 0; j < JOBS && step < STEPS; j++)
            if ((j + step) % THREADS == number) {
                if (step == 0)
                    jobs[j] = work(100 + j);
                jobs[j].handle.resume();
                if (step == STEPS - 1)
                    jobs[j].handle.destroy();
            }
    }
    return nullptr;
}

int compare(int number) {
    const memscope_statistics &seen = data[number].statistics;
    const sums &from = at[number], &to = at[number + THREADS];
    // What was alive besides the program's own blocks did not change meanwhile.
    std::uint64_t others = seen.live_bytes - to.live(), least = 0, most = 0;
    for (int step = number; step < number + THREADS; step++) {
        std::uint64_t before = others + at[step].live(), after = others + at[step + 1].live();
        std::uint64_t highest = before + (at[step + 1].bytes - at[step].bytes);
        least = before > least ? before : least;
        least = after > least ? after : least;
        most = highest > most ? highest : most;
    }
    bool same = seen.total_allocations == to.calls - from.calls &&
                seen.total_bytes == to.bytes - from.bytes &&
                seen.total_frees == to.frees - from.frees &&
                seen.freed_bytes == to.freed - from.freed;
    bool peak = seen.peak_memory_bytes + seen.peak_error_bytes >= least &&
                seen.peak_memory_bytes <= most + seen.peak_error_bytes &&
                seen.peak_error_bytes == (THREADS + 1) * 65536;
    bool kind = data[number].environment.kind == MEMSCOPE_ENVIRONMENT_HYBRID &&
                data[number].session_metadata.strategy_used == MEMSCOPE_STRATEGY_HYBRID_TRACKING &&
                data[number].environment.async_task_highest >= JOBS;
    std::printf("session %d: %llu calls of %llu, %llu bytes of %llu, %llu frees of %llu, peak %d, "
                "kind %d\n",
                number, (unsigned long long)seen.total_allocations,
                (unsigned long long)(to.calls - from.calls), (unsigned long long)seen.total_bytes,
                (unsigned long long)(to.bytes - from.bytes), (unsigned long long)seen.total_frees,
                (unsigned long long)(to.frees - from.frees), peak, kind);
    memscope_analysis_free(&data[number]);
    return !(same && peak && kind);
}

} // namespace

int main() {
    static char buffer[4096];
    pthread_t threads[THREADS];
    std::setvbuf(stdout, buffer, _IOFBF, sizeof buffer); // or printf would allocate
    if (memscope_backend_initialize(nullptr, &backend) != MEMSCOPE_OK)
        return 2;
    pthread_barrier_init(&steps, nullptr, THREADS);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], nullptr, run, (void *)(std::intptr_t)i) != 0)
            return 2;
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    int wrong = failed;
    for (int i = 0; i < THREADS; i++)
        wrong += compare(i);
    std::printf("wrong: %d\n", wrong);
    return wrong != 0;
}
