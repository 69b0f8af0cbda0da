// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cc -O0 -g -S -emit-llvm %s -o - | %check
// RUN: %cc -O2 -g -S -emit-llvm %s -o - | %check

#include <stdlib.h>

// CHECK: @allocate = {{.*}}global {{.*}}@malloc
void *(*allocate)(size_t) = malloc;

// CHECK-LABEL: @indirect(
// CHECK-NOT: __memscope
// CHECK: ret
void *indirect(size_t n) {
    return allocate(n);
}
// CHECK: @memscope.module_load()
