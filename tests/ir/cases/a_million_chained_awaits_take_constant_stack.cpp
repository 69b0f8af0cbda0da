// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symmetric transfer stays a tail call: 1,000,000 await chained, in a stack of 256 KiB. (The
// chain's frames are destroyed one by one, not by nested destructors.)
//
// MAJORS: 19 22
// RUN: for f in -O0 -O2; do %cxx -std=c++20 $f -I%S %s %witness -o %t && (ulimit -s 256 && timeout 60 %t) | %check || exit 1; done
// RUN: %cxx -std=c++20 -O2 -I%S %s -o %t && (ulimit -s 256 && timeout 60 %t)

#include "task.h"

struct Awaits {
    std::coroutine_handle<Task::promise_type> next;
    bool await_ready() { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
        next.promise().waiting = h;
        return next;
    }
    int await_resume() { return next.promise().value; }
};
Task link(std::coroutine_handle<Task::promise_type> next) {
    if (!next)
        co_return 1;
    int value = co_await Awaits{next};
    co_return value + 1;
}
constexpr int Links = 1000000;
static std::coroutine_handle<Task::promise_type> chain[Links];
// CHECK: tasks begun=1000000 ended=1000000 alive=0
// CHECK-NEXT: events suspend=2999999 pop=2999999 unsuspend=0 resume=1999999 destroy=1000000 unwind=0
// CHECK: violations=0
int main() {
    for (int i = 0; i < Links; i++) {
        Task t = link(i ? chain[i - 1] : std::coroutine_handle<Task::promise_type>());
        chain[i] = std::exchange(t.handle, {});
    }
    chain[Links - 1].resume();
    int value = chain[Links - 1].promise().value;
    for (auto h : chain)
        h.destroy();
    return value == Links ? 0 : 1;
}
