// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls back through walker.c, a library without hooks, from different callers above it: they must
// not merge.

#include "chain.h"

#include <stdint.h>
#include <stdlib.h>

typedef int callback(uint64_t value);
uint64_t walk(uint64_t from, callback *call, int depth);
uint64_t walk_sized(uint64_t from, callback *call, int depth);

static int t_called(uint64_t value) {
    ENTERED;
    free(TELL(malloc(value + 1), value + 1));
    return (int)value;
}

static NOINLINE uint64_t t_left(uint64_t from) {
    ENTERED;
    return walk(from, t_called, 2) + 1;
}

static NOINLINE uint64_t t_right(uint64_t from) {
    ENTERED;
    return walk(from, t_called, 2) + 2;
}

static int t_again(uint64_t value) {
    ENTERED;
    return t_called(value) + (int)(walk_sized(value, t_called, 1) & 7);
}

static NOINLINE uint64_t t_twice(uint64_t from) {
    ENTERED;
    return walk(from, t_again, 1) + t_left(from);
}

static NOINLINE uint64_t t_twice_sized(uint64_t from) {
    ENTERED;
    return walk_sized(from, t_again, 1) + t_right(from);
}

int main(void) {
    ENTERED;
    uint64_t sum = 0;
    for (uint64_t turn = 1; turn < 20; turn++)
        sum += t_left(turn) + t_right(turn) + t_twice(turn) + t_twice_sized(turn);
    return sum == 1;
}
