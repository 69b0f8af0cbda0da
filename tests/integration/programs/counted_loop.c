// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// counted_loop.c FILE THREADS: threads (the first is main) allocate and free for ever; each keeps its
// own count of allocations and frees in the mapped FILE, beside every call, and stdout hears when
// all have begun. To be killed.

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// Four words a thread: allocations, frees, two unused.
struct count {
    volatile uint64_t allocations;
    volatile uint64_t frees;
    uint64_t unused[2];
};

static struct count *counts;
static size_t thread_count;

// The last thread to have had its first event says so on stdout.
static void tell_start(void)
{
    static _Atomic size_t started;
    if (++started == thread_count)
        (void)!write(1, "started\n", 8);
}

static void *loop(void *argument)
{
    size_t self = (size_t)argument;
    struct count *count = &counts[self];
    char name[16];
    snprintf(name, sizeof name, "loop-%zu", self);
    pthread_setname_np(pthread_self(), name);
    uint32_t seed = (uint32_t)self + 1;
    void *kept[64] = {NULL};
    for (;;) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t slot = seed >> 26;
        if (kept[slot] != NULL) {
            free(kept[slot]);
            count->frees += 1;
        }
        kept[slot] = malloc(seed >> 20);
        count->allocations += 1;
        if (count->allocations == 1)
            tell_start();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int fd = open(argv[1], O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return 3;
    counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counts == MAP_FAILED)
        return 4;
    pthread_t thread;
    thread_count = (size_t)atoi(argv[2]);
    for (size_t i = 1; i < thread_count; ++i)
        if (pthread_create(&thread, NULL, loop, (void *)i) != 0)
            return 5;
    loop(NULL);
    return 0;
}
