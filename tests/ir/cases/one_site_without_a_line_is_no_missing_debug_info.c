// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A function marked `nodebug` has a site without a line in a module that has debug info: the site
// says line 0, the module's flags stay 0, and nothing is printed.
//
// RUN: %cc -O2 -gline-tables-only -S -emit-llvm %s -o %t.ll 2> %t.err
// RUN: test ! -s %t.err
// RUN: %check < %t.ll
// RUN: %cc -O2 -g -S -emit-llvm %s -o - | %check

#include <stdlib.h>

// CHECK-DAG: @memscope.site{{.*}} { i32 1, i16 1, i16 0, i32 0, i32 0,
// CHECK-DAG: @memscope.site{{.*}} { i32 1, i16 1, i16 0, i32 [[#@LINE + 6]], i32
// CHECK-DAG: @memscope.module = {{.*}} { i32 5, i32 0,
__attribute__((nodebug)) void *without(void) {
    return malloc(1);
}
void *with(void) {
    return malloc(2);
}
