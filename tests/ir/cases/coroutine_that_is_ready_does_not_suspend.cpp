// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// await_ready true: no event; suspend_never at both ends: begin and end alone.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

struct Detached {
    struct promise_type {
        Detached get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
struct Ready {
    bool await_ready() { return true; }
    void await_suspend(std::coroutine_handle<>) {}
    int await_resume() { return 1; }
};
int volatile sum;
Detached work(int n) {
    for (int i = 0; i < n; i++) {
        sum = sum + co_await Ready{};
        co_await std::suspend_never{};
    }
}
// CHECK: tasks begun=2 ended=2 alive=0
// CHECK-NEXT: events suspend=0 pop=0 unsuspend=0 resume=0 destroy=0 unwind=0
// CHECK: violations=0
int main() {
    work(0);
    work(7);
    return sum == 7 ? 0 : 1;
}
