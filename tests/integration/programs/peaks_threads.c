// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// peaks_threads.c COUNT: a peak that no scheduling can move. All threads allocate; then, in turns
// behind barriers, one frees 30,000 bytes, less than it publishes, and the first allocates a little
// more than that: who adds up what was published sees bytes that no longer live. The last turn is
// the peak. Then each frees what the next one holds.

#include "truth.h"

#include <pthread.h>
#include <stdlib.h>

#define SMALL 60
#define LARGE 700

static pthread_barrier_t barrier;
static size_t thread_count;
static void *small[16][SMALL], *large[16][LARGE];

static void wait_for_all(void)
{
    pthread_barrier_wait(&barrier);
}

static void shrink(void **blocks, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        free(TRUTH_FREE(blocks[i]));
}

static void *work(void *argument)
{
    size_t self = (size_t)argument;
    for (size_t i = 0; i < SMALL; ++i)
        small[self][i] = TRUTH(malloc(1500), 1500);
    for (size_t i = 0; i < LARGE; ++i)
        large[self][i] = self % 2 ? TRUTH(malloc(3000), 3000) : TRUTH(malloc(i + 1), i + 1);
    wait_for_all();
    for (size_t turn = 0; turn < thread_count; ++turn) {
        if (turn == self)
            shrink(small[self], SMALL / 3);
        wait_for_all();
        for (size_t i = 0; self == 0 && i < SMALL / 3; ++i)
            small[turn][i] = TRUTH(calloc(1, 1600), 1600);
        wait_for_all();
    }
    shrink(large[(self + 1) % thread_count], LARGE);
    wait_for_all();
    shrink(small[self], SMALL);
    return NULL;
}

int main(int argc, char **argv)
{
    thread_count = argc > 1 ? (size_t)atoi(argv[1]) : 2;
    pthread_t threads[16];
    pthread_barrier_init(&barrier, NULL, (unsigned)thread_count);
    for (size_t i = 0; i < thread_count; ++i)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            return 3;
    for (size_t i = 0; i < thread_count; ++i)
        pthread_join(threads[i], NULL);
    truth_print();
    return 0;
}
