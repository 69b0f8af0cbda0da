// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// true leaves, false goes on in the coroutine.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

struct Maybe {
    bool leaves;
    bool await_ready() { return false; }
    bool await_suspend(std::coroutine_handle<>) { return leaves; }
    int await_resume() { return 1; }
};
int volatile sum;
Eager work(int n) {
    for (int i = 0; i < n; i++)
        sum = sum + co_await Maybe{i % 2 == 0};
}
// CHECK: tasks begun=1 ended=1 alive=0
// CHECK-NEXT: events suspend=11 pop=6 unsuspend=5 resume=5 destroy=1 unwind=0
// CHECK: violations=0
int main() {
    Eager e = work(10);
    while (!e.handle.done())
        e.handle.resume();
    e.handle.destroy();
    return sum == 10 ? 0 : 1;
}
