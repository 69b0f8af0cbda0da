// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recursion, of one function and of two in turns, shallow and deeper than the cap.

#include "chain.h"

#include <stdlib.h>

static NOINLINE void t_even(int left);

static NOINLINE void t_odd(int left) {
    ENTERED;
    if (left % 7 == 0)
        free(TELL(malloc(10), 10));
    if (left > 0)
        t_even(left - 1);
}

static NOINLINE void t_even(int left) {
    ENTERED;
    if (left % 5 == 0)
        free(TELL(calloc(3, 7), 21));
    if (left > 0)
        t_odd(left - 1);
    if (left > 1 && left < 8)
        t_even(left - 2);
}

static NOINLINE int t_sum(int left) {
    ENTERED;
    if (left == 0) {
        void *block = TELL(malloc(5), 5);
        free(TELL(realloc(block, 50), 50));
        return 1;
    }
    return t_sum(left - 1) + left;
}

static NOINLINE void t_first(int left) {
    ENTERED;
    t_odd(left);
    t_even(left);
}

static NOINLINE void t_second(int left) {
    ENTERED;
    t_odd(left);
}

int main(void) {
    ENTERED;
    int sums = 0;
    for (int turn = 0; turn < 3; turn++) {
        t_first(8);
        t_second(8);
        for (int depth = 0; depth < 70; depth += 3)
            sums += t_sum(depth);
        t_odd(61);
        t_odd(62);
        t_odd(63);
        t_odd(64);
        t_even(65);
        t_even(300);
        sums += t_sum(900);
    }
    return sums == 0;
}
