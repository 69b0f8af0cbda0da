// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// unhandled_exception throws again: the exception leaves the resumed body; then it is destroyed.
// In the ramp the coroutine is over at once.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

Eager work(bool at_once) {
    if (at_once)
        throw 1;
    co_await std::suspend_always{};
    throw 2;
}
// CHECK: tasks begun=2 ended=2 alive=0
// CHECK-NEXT: events suspend=1 pop=1 unsuspend=0 resume=1 destroy=1 unwind=1
// CHECK: violations=0
int main() {
    int caught = 0;
    try {
        work(true);
    } catch (int e) {
        caught += e;
    }
    Eager e = work(false);
    try {
        e.handle.resume();
    } catch (int e) {
        caught += e;
    }
    e.handle.destroy();
    return caught == 3 ? 0 : 1;
}
