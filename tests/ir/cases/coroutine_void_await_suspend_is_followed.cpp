// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A void await_suspend always leaves; here it resumes later, or at once, nested.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

std::coroutine_handle<> later;
struct Later {
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { later = h; }
    void await_resume() {}
};
struct AtOnce {
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { h.resume(); }
    void await_resume() {}
};
Eager work() {
    co_await Later{};
    co_await AtOnce{};
    co_await AtOnce{};
}
// CHECK: tasks begun=1 ended=1 alive=0
// CHECK-NEXT: events suspend=4 pop=4 unsuspend=0 resume=3 destroy=1 unwind=0
// CHECK: violations=0
int main() {
    Eager e = work();
    later.resume();
    bool done = e.handle.done();
    e.handle.destroy();
    return done ? 0 : 1;
}
