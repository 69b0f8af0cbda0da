// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cc -O0 -g %s %mock -o %t && %t | %check
// RUN: %cc -O2 -g %s %mock -o %t && %t | %check
// RUN: %cc %linked -O2 -g %s %mock -o %t && %t | %check
// RUN: %cc -O2 -g %s %mock %lld -o %t && %t | %check
// RUN: %cc %linked -O0 -g -no-pie -fno-pic %s %mock %lld -o %t && %t | %check

#define _GNU_SOURCE
#include <malloc.h>
#include <stdlib.h>

// C23; this C library has neither, so the plain calls would not link.
#pragma weak free_sized
#pragma weak free_aligned_sized
void free_sized(void *, size_t);
void free_aligned_sized(void *, size_t, size_t);
void *volatile p;
void *out;

// CHECK: load abi=5 flags=0 alloc=9 thread=0 coroutine=0 fiber=0
int main(void) {
    // CHECK-NEXT: malloc 11 @[[@LINE+1]] main kind=1
    p = malloc(11);
    // CHECK-NEXT: realloc ptr 12 @[[@LINE+1]] main kind=3
    p = realloc(p, 12);
    // CHECK-NEXT: reallocarray ptr 3 5 @[[@LINE+1]] main kind=4
    p = reallocarray(p, 3, 5);
    // CHECK-NEXT: free ptr
    free(p);
    // CHECK-NEXT: calloc 3 7 @[[@LINE+1]] main kind=2
    p = calloc(3, 7);
    // CHECK-NEXT: free_sized ptr 21
    free_sized(p, 21);
    // CHECK-NEXT: aligned_alloc 64 128 @[[@LINE+1]] main kind=5
    p = aligned_alloc(64, 128);
    // CHECK-NEXT: free_aligned_sized ptr 64 128
    free_aligned_sized(p, 64, 128);
    // CHECK-NEXT: posix_memalign 32 77 @[[@LINE+1]] main kind=6
    if (posix_memalign(&out, 32, 77) == 0)
        // CHECK-NEXT: free ptr
        free(out);
    // CHECK-NEXT: memalign 256 9 @[[@LINE+1]] main kind=7
    p = memalign(256, 9);
    // CHECK-NEXT: valloc 10 @[[@LINE+1]] main kind=8
    p = valloc(10);
    // CHECK-NEXT: pvalloc 13 @[[@LINE+1]] main kind=9
    p = pvalloc(13);
    return 0;
}
// CHECK-NEXT: unload abi=5

