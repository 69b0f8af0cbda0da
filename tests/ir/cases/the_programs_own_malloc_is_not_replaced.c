// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A static function that only shares the name, a definition in this module, and a hidden one.
//
// RUN: %cc -O1 -fno-inline -g -S -emit-llvm -DSTATIC %s -o - | %check --check-prefix=STATIC
// RUN: %cc -O1 -fno-inline -g -S -emit-llvm -DDEFINED %s -o - | %check --check-prefix=KEPT
// RUN: %cc -O1 -fno-inline -g -S -emit-llvm -DHIDDEN %s -o - | %check --check-prefix=KEPT
// RUN: %cc -O1 -fno-inline -g -S -emit-llvm -std=c89 -Wno-everything -DOLD %s -o - | %check --check-prefix=KEPT

// STATIC-LABEL: @user(
// STATIC-NOT: __memscope
// STATIC: call {{.*}}@malloc(
// STATIC-NOT: __memscope
// STATIC: ret
// STATIC: @memscope.module_load
// KEPT-LABEL: @user(
// KEPT-NOT: @__memscope_malloc
// KEPT: call {{.*}}@__memscope_enter_site(
// KEPT-NOT: @__memscope_malloc
// KEPT: @malloc
// KEPT: call {{.*}}@__memscope_leave_site(
// KEPT: @memscope.module_load
extern char heap[4096];
#if defined(STATIC)
__attribute__((noinline)) static void *malloc(unsigned long n) {
    __asm__ volatile("");
    return heap + n;
}
#elif defined(DEFINED)
__attribute__((noinline)) void *malloc(unsigned long n) {
    __asm__ volatile("");
    return heap + n;
}
#elif defined(HIDDEN)
__attribute__((visibility("hidden"))) void *malloc(unsigned long n);
#else /* K&R: the argument is an int */
char *malloc();
#endif
void *user(int n) {
    return malloc(n);
}
