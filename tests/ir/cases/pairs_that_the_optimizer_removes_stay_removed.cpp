// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cxx -O2 -g -S -emit-llvm %s -o - | %check

#include <cstdlib>

// CHECK-LABEL: @{{.*}}pair_of_malloc
// CHECK-NOT: alloc(
// CHECK: ret i32 3
int pair_of_malloc() {
    int *p = static_cast<int *>(std::malloc(sizeof *p));
    *p = 3;
    int result = *p;
    std::free(p);
    return result;
}

// CHECK-LABEL: @{{.*}}pair_of_new
// CHECK-NOT: _Znwm
// CHECK-NOT: __memscope_new
// CHECK: ret i32 4
int pair_of_new() {
    int *p = new int(4);
    int result = *p;
    delete p;
    return result;
}

// CHECK: define internal void @memscope.module_load
// CHECK-NOT: @__memscope_malloc
