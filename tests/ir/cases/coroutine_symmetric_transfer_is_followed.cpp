// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A handle as the result of await_suspend: another coroutine's, the coroutine's own, none.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

int volatile which;
struct Self {
    bool await_ready() { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
        return which == 0 ? h : std::noop_coroutine();
    }
    void await_resume() {}
};
Task leaf(int n) { co_return n; }
Task root() {
    co_await Self{};
    int sum = 0;
    for (int i = 0; i < 3; i++)
        sum += co_await leaf(i);
    co_return sum;
}
// root: initial, Self, 3 awaits, final; each leaf: initial, final.
// CHECK: tasks begun=4 ended=4 alive=0
// CHECK-NEXT: events suspend=12 pop=12 unsuspend=0 resume=8 destroy=4 unwind=0
// CHECK: violations=0
int main() { return root().run() == 3 ? 0 : 1; }
