// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// shelf.c THREADS COUNT: each thread allocates COUNT blocks and puts each on a shelf, in exchange for
// one that it frees, most often another thread's. Counts are kept without a lock; what is still on
// the shelf at the end lives.

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHELF = 1024, MOST = 16, LINE = __LINE__ + 19 };

static void *_Atomic shelf[SHELF];
static uint64_t events, bytes_of[MOST];
static pthread_t threads[MOST];

static void *work(void *argument)
{
    size_t self = (size_t)argument;
    uint64_t random = self + 1, bytes = 0;
    char name[16];
    snprintf(name, sizeof name, "worker-%zu", self);
    pthread_setname_np(pthread_self(), name);
    for (uint64_t i = 0; i < events; ++i) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t size = 8 + (random >> 40) % 500;
        void *_Atomic *place = &shelf[(random >> 54) % SHELF];
        bytes += size;
        // The block knows its size and its thread, for the books at the end.
        uint32_t *block = malloc(size);
        block[0] = (uint32_t)size;
        block[1] = (uint32_t)self;
        free(__atomic_exchange_n((void **)place, block, __ATOMIC_ACQ_REL));
    }
    bytes_of[self] = bytes;
    return NULL;
}

int main(int argc, char **argv)
{
    size_t count = argc == 3 ? (size_t)atoi(argv[1]) : 0;
    uint64_t total = 0, live = 0, left = 0, live_of[MOST] = {0};
    events = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (count == 0 || count > MOST)
        return 97;
    for (size_t i = 0; i < count; ++i)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            return 3;
    for (size_t i = 0; i < count; ++i) {
        pthread_join(threads[i], NULL);
        total += bytes_of[i];
    }
    for (size_t i = 0; i < SHELF; ++i)
        if (shelf[i] != NULL) {
            const uint32_t *block = shelf[i];
            live += block[0];
            live_of[block[1]] += block[0];
            ++left;
        }
    printf("{\"sites\":[{\"file\":\"%s\",\"line\":%d,\"partial\":false,\"allocations\":%llu,"
           "\"bytes\":%llu,\"frees\":%llu,\"live_bytes\":%llu}],\"threads\":[",
           __FILE__, LINE, (unsigned long long)(events * count), (unsigned long long)total,
           (unsigned long long)(events * count - left), (unsigned long long)live);
    for (size_t i = 0; i < count; ++i)
        printf("%s{\"name\":\"worker-%zu\",\"allocations\":%llu,\"bytes\":%llu,\"live_bytes\":%llu}",
               i ? "," : "", i, (unsigned long long)events, (unsigned long long)bytes_of[i],
               (unsigned long long)live_of[i]);
    printf("]}\n");
    return 0;
}
