// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Thrown four awaits deep, caught in a coroutine half way, thrown again to the outermost.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

Task thrower(int depth) {
    if (depth == 0)
        throw 7;
    co_return co_await thrower(depth - 1);
}
Task catcher() {
    int got = 0;
    try {
        got = co_await thrower(3);
    } catch (int e) {
        got = e;
    }
    got += co_await thrower(1);
    co_return got;
}
// catcher, 4 + 2 throwers: initial and final each, an await for each but the root.
// CHECK: tasks begun=7 ended=7 alive=0
// CHECK-NEXT: events suspend=20 pop=20 unsuspend=0 resume=13 destroy=7 unwind=0
// CHECK: violations=0
int main() {
    try {
        catcher().run();
    } catch (int e) {
        return e == 7 ? 0 : 1;
    }
    return 2;
}
