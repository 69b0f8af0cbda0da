// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// known: blocks of known sizes at known lines, on one thread; with -DREMOTE in tasks by hand, and
// freed by another thread. Prints "LINE CALLS BYTES LIVE_BYTES", one site a line.

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { SITES = 5, KEPT_ONE_IN = 10 };

static struct site {
    int line;
    size_t bytes;
    long calls;
} sites[SITES] = {
    {0, 2000, 60000}, {0, 30000, 8000}, {0, 300000, 1500}, {0, 100, 120000}, {0, 24, 50000},
};

#define ALLOCATE(number) (sites[number].line = __LINE__, malloc(sites[number].bytes))

__attribute__((noinline)) static void *allocate(int number) {
    switch (number) {
    case 0:
        return ALLOCATE(0);
    case 1:
        return ALLOCATE(1);
    case 2:
        return ALLOCATE(2);
    case 3:
        return ALLOCATE(3);
    default:
        return ALLOCATE(4);
    }
}

#ifdef REMOTE

#include <memscope/memscope.h>
#include <pthread.h>
#include <semaphore.h>

enum { BATCH = 500 };

static void *batch[BATCH];
static size_t batch_count;
static memscope_task task;
static sem_t full, empty;

static void *free_batches(void *nothing) {
    for (;;) {
        sem_wait(&full);
        if (batch_count == 0)
            return nothing;
        for (size_t i = 0; i < batch_count; i++)
            free(batch[i]);
        batch_count = 0;
        sem_post(&empty);
    }
}

static void hand_over(void) {
    sem_post(&full);
    sem_wait(&empty);
}

static void give_back(void *block) {
    batch[batch_count++] = block;
    if (batch_count == BATCH)
        hand_over();
}

// Each task has 50 blocks.
static void *take(int number) {
    static unsigned taken;
    if (taken++ % 50 == 0) {
        if (task)
            (void)memscope_task_end(task);
        task = memscope_task_begin("a part of it");
    }
    return allocate(number);
}

static pthread_t thread;

static int begin(void) {
    return sem_init(&full, 0, 0) != 0 || sem_init(&empty, 0, 0) != 0 ||
           pthread_create(&thread, NULL, free_batches, NULL) != 0;
}

static void end(void) {
    (void)memscope_task_end(task);
    if (batch_count > 0)
        hand_over();
    sem_post(&full);
    (void)pthread_join(thread, NULL);
}

#else

#define take allocate
#define give_back free

static int begin(void) {
    return 0;
}

static void end(void) {
}

#endif

int main(void) {
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    if (begin() != 0)
        return 1;
    for (int number = 0; number < SITES; number++)
        for (long i = 0; i < sites[number].calls; i++) {
            void *volatile block = take(number);
            if (i % KEPT_ONE_IN != 0)
                give_back(block);
        }
    end();
    for (int number = 0; number < SITES; number++) {
        const struct site *site = &sites[number];
        printf("%d %ld %zu %zu\n", site->line, site->calls, (size_t)site->calls * site->bytes,
               (size_t)(site->calls + KEPT_ONE_IN - 1) / KEPT_ONE_IN * site->bytes);
    }
    return 0;
}
