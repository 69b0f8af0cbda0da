// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// known: blocks of known sizes at known lines, on one thread. Prints "LINE CALLS BYTES LIVE_BYTES",
// one site a line.

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

int main(void) {
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    for (int number = 0; number < SITES; number++)
        for (long i = 0; i < sites[number].calls; i++) {
            void *volatile block = allocate(number);
            if (i % KEPT_ONE_IN != 0)
                free(block);
        }
    for (int number = 0; number < SITES; number++) {
        const struct site *site = &sites[number];
        printf("%d %ld %zu %zu\n", site->line, site->calls, (size_t)site->calls * site->bytes,
               (size_t)(site->calls + KEPT_ONE_IN - 1) / KEPT_ONE_IN * site->bytes);
    }
    return 0;
}
