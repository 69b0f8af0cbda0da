// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// threads.c COUNT: COUNT threads allocate at lines of their own, hand half of their blocks to the
// next thread, which frees them, and free the rest themselves. The truth is per line and per thread.

#include "truth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 300
#define BATCH 20

static void *mailbox[16][BATCH];
static pthread_barrier_t barrier;
static unsigned thread_count;

static void *work(void *argument)
{
    unsigned self = (unsigned)(size_t)argument;
    char name[16];
    snprintf(name, sizeof name, "worker-%u", self);
    pthread_setname_np(pthread_self(), name);
    truth_thread(name);
    unsigned seed = self + 1;
    for (int round = 0; round < ROUNDS; ++round) {
        void *own[BATCH];
        for (int i = 0; i < BATCH; ++i) {
            seed = seed * 1664525u + 1013904223u;
            size_t size = seed >> 22;
            own[i] = TRUTH(malloc(size), size);
            mailbox[self][i] = TRUTH(calloc(1, size + 1), size + 1);
        }
        pthread_barrier_wait(&barrier);
        void **others = mailbox[(self + 1) % thread_count];
        for (int i = 0; i < BATCH; ++i) {
            free(TRUTH_FREE(own[i]));
            if (i != 3 || round % 50 != 0)
                free(TRUTH_FREE(others[i])); // the rest stays alive
        }
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    thread_count = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
    void *mains = TRUTH(malloc(4321), 4321);
    pthread_barrier_init(&barrier, NULL, thread_count);
    pthread_t threads[16];
    for (size_t i = 0; i < thread_count; ++i)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            return 3;
    for (size_t i = 0; i < thread_count; ++i)
        pthread_join(threads[i], NULL);
    free(TRUTH_FREE(mains));
    truth_print();
    return 0;
}
