// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// stress resumes N   two threads, each resumes one task of its own N times
// stress fanout N    N tasks, all alive at once; prints the resident bytes at that moment
// stress short N     N tasks one after the other
//
// Prints what its tasks allocated by themselves: {"tasks", "allocations", "bytes", "rss_bytes"}.

#include "task.h"

#include <pthread.h>
#include <unistd.h>

struct counts {
    uint64_t tasks, allocations, bytes;
};

static uint64_t resident_bytes() {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%*u %lu", &pages) != 1)
        abort();
    fclose(statm);
    return pages * 4096;
}

static __attribute__((noinline)) detached worker(counts *mine, uint64_t rounds, uint64_t bytes) {
    void *volatile held = malloc(bytes);
    mine->allocations++;
    mine->bytes += bytes;
    for (uint64_t i = 0; i < rounds; i++) {
        co_await std::suspend_always{};
        if (i % 1000 == 999) {
            free(held);
            held = malloc(bytes);
            mine->allocations++;
            mine->bytes += bytes;
        }
    }
    free(held);
    mine->tasks++;
}

static uint64_t number;
static counts of_threads[2];

static void *resumes(void *which) {
    counts *mine = &of_threads[reinterpret_cast<uintptr_t>(which)];
    auto handle = worker(mine, number, 100).handle;
    for (uint64_t i = 0; i <= number; i++)
        handle.resume();
    return nullptr;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    number = strtoull(argv[2], nullptr, 10);
    uint64_t rss_bytes = 0;
    if (strcmp(argv[1], "resumes") == 0) {
        pthread_t threads[2];
        for (uintptr_t i = 0; i < 2; i++)
            pthread_create(&threads[i], nullptr, resumes, reinterpret_cast<void *>(i));
        for (pthread_t thread : threads)
            pthread_join(thread, nullptr);
    } else if (strcmp(argv[1], "fanout") == 0) {
        auto *handles = new std::coroutine_handle<detached::promise_type>[number];
        for (uint64_t i = 0; i < number; i++) {
            handles[i] = worker(&of_threads[0], 1, 24).handle;
            handles[i].resume();
        }
        rss_bytes = resident_bytes();
        if (argc > 3) // stays as it is
            _exit(0);
        for (uint64_t i = 0; i < number; i++)
            handles[i].resume();
        delete[] handles;
    } else {
        for (uint64_t i = 0; i < number; i++)
            worker(&of_threads[0], 0, 32 + i % 64).handle.resume();
    }
    printf("{\"tasks\": %lu, \"allocations\": %lu, \"bytes\": %lu, \"rss_bytes\": %lu}\n",
           of_threads[0].tasks + of_threads[1].tasks,
           of_threads[0].allocations + of_threads[1].allocations,
           of_threads[0].bytes + of_threads[1].bytes, rss_bytes);
}
