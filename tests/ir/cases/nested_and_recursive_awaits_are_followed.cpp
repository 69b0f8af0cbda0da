// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fib(10) is 177 coroutines, up to 10 awaiting at once.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

Task fib(int n) {
    if (n < 2)
        co_return n;
    int a = co_await fib(n - 1);
    co_return a + co_await fib(n - 2);
}
// Each: initial and final; each but the root is awaited.
// CHECK: tasks begun=177 ended=177 alive=0
// CHECK-NEXT: events suspend=530 pop=530 unsuspend=0 resume=353 destroy=177 unwind=0
// CHECK: violations=0
int main() { return fib(10).run() == 55 ? 0 : 1; }
