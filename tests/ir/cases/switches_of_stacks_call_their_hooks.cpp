// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A switch of stacks becomes its hook, which is told what the program would have called, whosever
// function that is: the C library's, or this module's own.
//
// RUN: for level in -O0 -O2; do %cxx $level -g %s %mock -o %t && %t | %check || exit 1; done
// RUN: for level in -O0 -O2; do %cxx $level -g %s -o %t && %t || exit 1; done
// RUN: %cxx -O1 -g -S -emit-llvm %s -o - | %check --check-prefix=WEAK
// RUN: %cxx %linked -O1 -g -S -emit-llvm %s -o - | %check --check-prefix=LINKED
// RUN: %cxx --target=aarch64-linux-gnu %linked -DNO_HEADERS -O1 -S -emit-llvm %s -o - | %check --check-prefix=AARCH64

struct transfer {
    void *context, *data;
};
extern "C" {
transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, unsigned long bytes, void (*enter)(transfer));
__attribute__((visibility("hidden"))) transfer ontop_fcontext(void *to, void *data,
                                                              transfer (*on_top)(transfer));
}

// WEAK-LABEL: @{{.*}}jump{{.*}}(
// WEAK: icmp ne {{.*}}@__memscope_jump_fcontext, null
// WEAK: notail call { [[PTR]], [[PTR]] } @__memscope_jump_fcontext({{.*}}@jump_fcontext
// WEAK: call { [[PTR]], [[PTR]] } @jump_fcontext(
// LINKED-LABEL: @{{.*}}jump{{.*}}(
// LINKED-NOT: icmp
// LINKED: notail call { [[PTR]], [[PTR]] } @__memscope_jump_fcontext({{.*}}@jump_fcontext
// AARCH64-LABEL: @{{.*}}jump{{.*}}(
// AARCH64: call [2 x i64] @__memscope_jump_fcontext({{.*}}@jump_fcontext
__attribute__((noinline)) transfer jump(void *to) {
    return jump_fcontext(to, nullptr);
}
// LINKED: notail call {{.*}}@__memscope_make_fcontext({{.*}}@make_fcontext
__attribute__((noinline)) void *make(void *top, void (*enter)(transfer)) {
    return make_fcontext(top, 64, enter);
}
// LINKED: notail call {{.*}}@__memscope_ontop_fcontext({{.*}}@ontop_fcontext
// AARCH64: call [2 x i64] @__memscope_ontop_fcontext({{.*}}@ontop_fcontext
__attribute__((noinline)) transfer ontop(void *to, transfer (*on_top)(transfer)) {
    return ontop_fcontext(to, to, on_top);
}

#ifndef NO_HEADERS
#include <ucontext.h>

extern "C" __attribute__((noinline)) transfer jump_fcontext(void *to, void *data) {
    asm volatile("");
    return {to, data};
}
extern "C" __attribute__((noinline)) void *make_fcontext(void *top, unsigned long bytes,
                                                         void (*)(transfer)) {
    asm volatile("");
    return (char *)top + bytes - 64;
}
extern "C" __attribute__((noinline)) transfer ontop_fcontext(void *to, void *data,
                                                             transfer (*on_top)(transfer)) {
    asm volatile("");
    return on_top({data, to});
}

static ucontext_t here, there;
static bool was_there;
static void enter() {
    was_there = true;
    setcontext(&here);
}
static char stack[65536];

// CHECK: load abi=5 {{.*}} fiber=6
int main() {
    int number = 0;
    // CHECK-NEXT: jump_fcontext
    // CHECK-NEXT: make_fcontext 64
    // CHECK-NEXT: ontop_fcontext
    if (jump(&number).context != &number || make(&number, nullptr) != &number ||
        ontop(&number, [](transfer given) { return given; }).data != &number)
        return 1;
    // CHECK-NEXT: landed
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    makecontext(&there, enter, 0);
    // CHECK-NEXT: making_context
    // CHECK-NEXT: swapcontext
    // CHECK-NEXT: setcontext
    // CHECK-NOT: context
    return swapcontext(&here, &there) != 0 || !was_there;
}
#endif
