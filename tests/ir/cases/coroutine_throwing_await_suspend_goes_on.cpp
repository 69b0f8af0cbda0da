// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An await_suspend that throws has not left: of void, bool and handle; the exception is caught in
// the coroutine, or goes to its unhandled_exception.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

template <typename ResultT> struct Throws {
    bool await_ready() { return false; }
    ResultT await_suspend(std::coroutine_handle<>) { throw 1; }
    void await_resume() {}
};
template <typename ResultT> Task work() {
    int caught = 0;
    try {
        co_await Throws<ResultT>{};
    } catch (int) {
        caught++;
    }
    try {
        co_await Throws<ResultT>{};
    } catch (int) {
        caught++;
    }
    if (caught == 2)
        co_await Throws<ResultT>{};
    co_return 0;
}
template <typename ResultT> int fails() {
    try {
        work<ResultT>().run();
    } catch (int) {
        return 0;
    }
    return 1;
}
// Each: initial, three that throw, final.
// CHECK: tasks begun=3 ended=3 alive=0
// CHECK-NEXT: events suspend=15 pop=6 unsuspend=9 resume=3 destroy=3 unwind=0
// CHECK: violations=0
int main() { return fails<void>() + fails<bool>() + fails<std::coroutine_handle<>>(); }
