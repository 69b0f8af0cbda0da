// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program that nobody instruments, without frame pointers, and an instrumented library
// (-DLIBRARY) that calls back into it: the stack goes through both in turns.

#include "chain.h"

#include <stdlib.h>

typedef void again(int left);
void t_enter(int left, again *call);

#ifdef LIBRARY

static NOINLINE void t_leaf(size_t size) {
    ENTERED;
    free(TELL(malloc(size), size));
}

void t_enter(int left, again *call) {
    ENTERED;
    t_leaf((size_t)left + 10);
    if (left > 0)
        call(left - 1);
}

#else

static NOINLINE void t_left(int left) {
    ENTERED;
    t_enter(left, t_left);
}

static NOINLINE void t_right(int left) {
    ENTERED;
    int volatile numbers[50];
    numbers[left] = left;
    t_enter(numbers[left], left % 3 ? t_right : t_left);
    free(TELL(malloc(9), 9));
}

int main(void) {
    ENTERED;
    for (int turn = 0; turn < 3; turn++) {
        t_left(4);
        t_right(20);
        t_right(4);
    }
    return 0;
}

#endif
