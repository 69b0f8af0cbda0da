// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// reuse.c THREADS: an address that one thread gives back is another's at once: one arena, sizes that
// no thread caches, and nothing between the calls. Each thread has lines of its own and keeps count
// of them without a lock. Some calls of realloc move, some fail.

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 150000, FIRST = __LINE__ + 16 };

struct line {
    uint64_t allocations, bytes, frees, freed_bytes;
};

static struct line lines[4][2]; // of a thread: malloc's, realloc's
static volatile size_t too_much = SIZE_MAX / 2;
static void *volatile failed;

#define ALLOCATE(thread) \
    case thread: \
        return
static void *allocate(size_t self, size_t size)
{
    switch (self) { // one line each
        ALLOCATE(0) malloc(size);
        ALLOCATE(1) malloc(size);
        ALLOCATE(2) malloc(size);
        ALLOCATE(3) malloc(size);
    }
    return NULL;
}

static void *resize(size_t self, void *block, size_t size)
{
    switch (self) {
        ALLOCATE(0) realloc(block, size);
        ALLOCATE(1) realloc(block, size);
        ALLOCATE(2) realloc(block, size);
        ALLOCATE(3) realloc(block, size);
    }
    return NULL;
}

static void count_free(struct line *line, size_t size)
{
    line->frees += 1;
    line->freed_bytes += size;
}

static void *work(void *argument)
{
    size_t self = (size_t)argument;
    struct line own[2] = {{0}};
    for (size_t i = 0; i < EVENTS; ++i) {
        size_t size = 2000 + i % 16 * 8;
        void *block = allocate(self, size);
        own[0].allocations += 1, own[0].bytes += size;
        if (i % 4 == 0) {
            failed = realloc(block, too_much);
            block = resize(self, block, size * 2);
            count_free(&own[0], size);
            size *= 2;
            own[1].allocations += 1, own[1].bytes += size;
        }
        free(block);
        count_free(&own[i % 4 == 0], size);
    }
    lines[self][0] = own[0];
    lines[self][1] = own[1];
    return NULL;
}

int main(int argc, char **argv)
{
    size_t count = argc == 2 ? (size_t)atoi(argv[1]) : 2;
    pthread_t threads[4];
    mallopt(M_ARENA_MAX, 1);
    for (size_t i = 0; i < count; ++i)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            return 3;
    for (size_t i = 0; i < count; ++i)
        pthread_join(threads[i], NULL);
    printf("{\"sites\":[");
    for (size_t i = 0; i < count * 2; ++i) {
        struct line *line = &lines[i / 2][i % 2];
        printf("%s{\"file\":\"%s\",\"line\":%d,\"partial\":false,\"allocations\":%llu,"
               "\"bytes\":%llu,\"frees\":%llu,\"live_bytes\":%llu}",
               i ? "," : "", __FILE__, FIRST + (int)(i / 2) + (i % 2 ? 11 : 0),
               (unsigned long long)line->allocations, (unsigned long long)line->bytes,
               (unsigned long long)line->frees,
               (unsigned long long)(line->bytes - line->freed_bytes));
    }
    printf("]}\n");
    return failed != NULL;
}
