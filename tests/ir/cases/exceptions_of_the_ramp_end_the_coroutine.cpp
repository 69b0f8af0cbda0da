// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Thrown by the promise's constructor, get_return_object, initial_suspend, the initial await_ready,
// await_suspend and await_resume.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

int volatile at;
void fail(int here) {
    if (at == here)
        throw here;
}
struct Failing {
    struct promise_type {
        promise_type() { fail(1); }
        ~promise_type() {}
        Failing get_return_object() {
            fail(2);
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        struct Initial {
            bool await_ready() {
                fail(4);
                return false;
            }
            bool await_suspend(std::coroutine_handle<>) {
                fail(5);
                return at != 6;
            }
            void await_resume() { fail(6); }
        };
        Initial initial_suspend() {
            fail(3);
            return {};
        }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { throw; }
    };
    std::coroutine_handle<promise_type> handle;
};
struct Argument {
    Argument() {}
    Argument(Argument &&) {}
    ~Argument() {}
};
Failing work(Argument) { co_return; }
// 5 and 6 suspend and come back in the ramp; at last one works: initial, final.
// CHECK: tasks begun=7 ended=7 alive=0
// CHECK-NEXT: events suspend=4 pop=2 unsuspend=2 resume=1 destroy=1 unwind=0
// CHECK: violations=0
int main() {
    int caught = 0;
    for (int i = 1; i <= 6; i++) {
        at = i;
        try {
            work(Argument());
        } catch (int e) {
            caught += e == i;
        }
    }
    at = 0;
    Failing one = work(Argument());
    one.handle.resume();
    one.handle.destroy();
    return caught == 6 ? 0 : 1;
}
