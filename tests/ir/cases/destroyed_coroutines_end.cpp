// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// destroy() while suspended: before the start, in a nested await, inside a try; destructors run.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

int volatile destructors;
struct Guard {
    ~Guard() { destructors = destructors + 1; }
};
struct Forever {
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<>) {}
    void await_resume() {}
};
Task inner() {
    Guard one;
    try {
        Guard two;
        co_await Forever{};
    } catch (...) {
    }
    co_return 0;
}
Task outer() {
    Guard one;
    co_return co_await inner();
}
// outer started: 2 initial, 2 awaits; the other two were never started.
// CHECK: tasks begun=4 ended=4 alive=0
// CHECK-NEXT: events suspend=6 pop=6 unsuspend=0 resume=2 destroy=4 unwind=0
// CHECK: violations=0
int main() {
    {
        Task started = outer();
        Task never = outer(), nor_this = inner();
        started.handle.resume();
    }
    return destructors == 3 ? 0 : 1;
}
