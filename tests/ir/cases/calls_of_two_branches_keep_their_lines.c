// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The optimizer would make one call of both, without a line: of two equal calls in every LLVM, of
// calls with different sizes in 22.
//
// RUN: %cc -O0 -g %s %mock -o %t && %t | %check
// RUN: %cc -O2 -g %s %mock -o %t && %t | %check
// RUN: %cc -O3 -g %s %mock -o %t && %t | %check

#include <stdlib.h>

// CHECK: load abi=5 flags=0 alloc=4
__attribute__((noinline)) void *different(int which) {
    void *p;
    if (which)
        // CHECK-NEXT: malloc 10 @[[@LINE+1]] different
        p = malloc(10);
    else
        // CHECK-NEXT: malloc 20 @[[@LINE+1]] different
        p = malloc(20);
    return p;
}
__attribute__((noinline)) void *equal(int which, int *out) {
    void *p;
    if (which) {
        // CHECK-NEXT: malloc 30 @[[@LINE+1]] equal
        p = malloc(30);
    } else {
        *out = 2;
        // CHECK-NEXT: malloc 30 @[[@LINE+1]] equal
        p = malloc(30);
    }
    return p;
}
void *volatile p;
int main(void) {
    int n = 0;
    p = different(1);
    p = different(0);
    p = equal(1, &n);
    p = equal(0, &n);
    return n == 2 ? 0 : 1;
}
