// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mixed [threads]: blocks of all sizes by all functions, growing to a new peak again and again;
// half way, if asked for, three threads begin that free each other's blocks, and the first goes on.

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 512, ROUNDS = 60000, THREADS = 3 };

static void *slots[SLOTS];

static uint64_t next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void *allocate(uint64_t random, void *block) {
    static const size_t largest[] = {24, 64, 100, 1000, 5000, 40000};
    size_t bytes = random / 8 % (largest[random % 6] + 1);
    void *aligned;
    switch (random / 8 % 5) {
    case 0:
        free(block);
        return calloc(1, bytes);
    case 1:
        return realloc(block, bytes + 1);
    case 2:
        free(block);
        return posix_memalign(&aligned, 64, bytes) == 0 ? aligned : NULL;
    default:
        free(block);
        return malloc(bytes);
    }
}

// `used` slots more and more: the peak rises all along.
static void work(uint64_t seed) {
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t random = next(&seed), used = 16 + i * (SLOTS - 16) / ROUNDS;
        void **slot = &slots[random % used];
        void *block = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);
        block = allocate(next(&seed), block);
        free(__atomic_exchange_n(slot, block, __ATOMIC_ACQ_REL));
        if (random % 16 == 0) { // a temporary one
            void *volatile temporary = malloc(random % 3000);
            free(temporary);
        }
    }
}

static void *run(void *seed) {
    work((uintptr_t)seed);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    work(1);
    if (argc > 1 && strcmp(argv[1], "threads") == 0) {
        for (uintptr_t i = 0; i < THREADS; i++)
            if (pthread_create(&threads[i], NULL, run, (void *)(i + 2)) != 0)
                return 1;
        work(9);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < SLOTS; i += 2) {
        free(slots[i]);
        slots[i] = NULL;
    }
    return 0;
}
