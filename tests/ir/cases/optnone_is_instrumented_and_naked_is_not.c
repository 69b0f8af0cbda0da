// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cc -O2 -g -S -emit-llvm %s -o - | %check

#include <stdlib.h>

// CHECK-LABEL: @unoptimized(
// CHECK: @__memscope_malloc(
__attribute__((optnone, noinline)) void *unoptimized(void) {
    return malloc(1);
}

// CHECK-LABEL: @bare(
// CHECK-NOT: __memscope
// CHECK: asm
// CHECK-NOT: __memscope
// CHECK: unreachable
__attribute__((naked)) void bare(void) {
    __asm__("ret");
}

// The author asked for no instrumentation.
// CHECK-LABEL: @excluded(
// CHECK-NOT: __memscope
// CHECK: call {{.*}}@malloc(
// CHECK-NOT: __memscope
// CHECK: ret
__attribute__((disable_sanitizer_instrumentation)) void *excluded(void) {
    return malloc(2);
}

// CHECK-LABEL: @after(
// CHECK: @__memscope_malloc(
void *after(void) {
    return malloc(3);
}
// Naked functions have no frame pointer to keep.
// CHECK-NOT: attributes {{.*}} naked {{.*}}"frame-pointer"="non-leaf"
