// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// start DEPTH QUIET: a costly start, 2 to the power of DEPTH new stacks, each followed by four pairs
// on a known one; then QUIET pairs with some ten microseconds of other work between them. Prints how
// many pairs there were.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t x = 88172645463325252u, pairs;

static void work(int rounds) {
    for (int i = 0; i < rounds; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
}

__attribute__((noinline)) static void pair(void) {
    void *volatile block = malloc(16 + x % 200);
    work(1);
    free(block);
    pairs++;
}

__attribute__((noinline)) static void known(int count, int rounds) {
    for (int i = 0; i < count; i++) {
        pair();
        work(rounds);
    }
}

// Two ways down at each level.
__attribute__((noinline)) static void new_stacks(int depth) { // NOLINT(misc-no-recursion)
    if (depth == 0) {
        pair();
        known(4, 1);
        return;
    }
    new_stacks(depth - 1);
    __asm__ volatile("");
    new_stacks(depth - 1);
    __asm__ volatile("");
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    new_stacks(atoi(argv[1]));
    known(atoi(argv[2]), 5000);
    if (x == 0)
        return 1;
    fprintf(stderr, "%ju\n", (uintmax_t)pairs);
    return 0;
}
