// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line on stderr that names the module, also under -Werror; the module's flag says the same.
//
// RUN: cd $(dirname %s) && %cc -O2 -Werror -S -emit-llvm missing_debug_info_is_said_once.c -o %t.ll
// 2> %t.err RUN: test $(grep -c . %t.err) = 1 RUN: grep -Fx "memscope:
// missing_debug_info_is_said_once.c: no debug info; sites have no lines (compile with -g or
// -gline-tables-only)" %t.err RUN: %check < %t.ll RUN: %cc -O2 -gline-tables-only -c %s -o %t.o 2>
// %t.err && test ! -s %t.err RUN: %cc -O2 -DNOTHING -c %s -o %t.o 2> %t.err && test ! -s %t.err

#ifndef NOTHING
#include <stdlib.h>

// CHECK: @memscope.site{{.*}} { i32 1, i16 1, i16 0, i32 0, i32 0, {{[^@]*}}@memscope.text{{.*}},
// [[PTR]] null, [[PTR]] null, [[PTR]] null, [[PTR]] null, i32 0, i32 0 } CHECK: @memscope.module =
// {{.*}} { i32 5, i32 1,
void *one(void) {
    return malloc(1);
}
void *two(void) {
    return malloc(2);
}
#endif
int answer(void) {
    return 42;
}
