// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// phases BUSY QUIET [ROUNDS]: so many pairs of malloc and free with little else, ROUNDS (1) of work, then
// so many with much other work between them. Prints how many pairs there were.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t work(uint64_t x, int rounds) {
    for (int i = 0; i < rounds; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

static uint64_t pairs(uint64_t x, long count, int rounds) {
    for (long i = 0; i < count; i++) {
        void *volatile block = malloc(16 + x % 200);
        x = work(x, rounds);
        free(block);
    }
    return x;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    long busy = atol(argv[1]), quiet = atol(argv[2]);
    uint64_t x = pairs(88172645463325252u, busy, argc > 3 ? atoi(argv[3]) : 1);
    x = pairs(x, quiet, 10000);
    if (x == 0)
        return 1;
    fprintf(stderr, "%ld\n", busy + quiet);
    return 0;
}
