// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `alloc_size` and `malloc` together mark an allocator; `malloc` alone does not (fopen has it).
//
// RUN: %cc -O0 -g -S -emit-llvm %s -o - | %check
// RUN: %cc -O2 -g -S -emit-llvm %s -o - | %check

__attribute__((malloc, alloc_size(1))) void *xmalloc(unsigned long);
__attribute__((malloc)) void *open_thing(void);

// CHECK: @memscope.site = {{.*}} { i32 1, i16 19,
// CHECK-LABEL: @marked(
// CHECK: @__memscope_enter_site(
// CHECK: @xmalloc(
// CHECK: @__memscope_leave_site(
void *marked(void) {
    return xmalloc(4);
}
// CHECK-LABEL: @half_marked(
// CHECK-NOT: __memscope
// CHECK: ret
void *half_marked(void) {
    return open_thing();
}
// CHECK: @memscope.module_load
