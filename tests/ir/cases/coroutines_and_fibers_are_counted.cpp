// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutines are counted before they are split, fibers where they are called.
//
// MAJORS: 19 22
// RUN: for level in -O0 -O2; do %cxx -std=c++20 $level -g %s %mock -o %t && %t | %check || exit 1; done

#include <coroutine>
#include <ucontext.h>

struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
Task one() { co_return; }
Task two(int n) {
    for (int i = 0; i < n; i++)
        co_await std::suspend_never{};
}
static ucontext_t here, there;
static void enter() {}
static char stack[65536];
// CHECK: load abi=5 flags=0 {{.*}} thread=0 coroutine=2 fiber=2
int main() {
    one();
    two(3);
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    there.uc_link = &here;
    makecontext(&there, enter, 0);
    swapcontext(&here, &there);
    return 0;
}
