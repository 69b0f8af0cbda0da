// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The optimizer would make one call of both, without a line.
//
// RUN: %cc -O0 -g %s %mock -o %t && %t | %check
// RUN: %cc -O2 -g %s %mock -o %t && %t | %check
// RUN: %cc -O3 -g %s %mock -o %t && %t | %check

#include <stdlib.h>

void *volatile p;
__attribute__((noinline)) void choose(int which) {
    if (which)
        p = malloc(10);
    else
        p = malloc(20);
}
int main(void) {
    // CHECK: malloc 20 @[[@LINE-3]] choose
    choose(0);
    // CHECK: malloc 10 @[[@LINE-7]] choose
    choose(1);
    return 0;
}
