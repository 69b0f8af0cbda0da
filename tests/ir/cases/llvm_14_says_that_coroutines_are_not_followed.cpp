// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One warning that names the module; allocations have their sites.
//
// MAJORS: 14
// RUN: %cxx -std=c++20 -O0 -g -I%S %s %mock -o %t 2> %t.err && test $(grep -c 'not followed as tasks; that needs LLVM 19' %t.err) = 1 && grep 'memscope: .*llvm_14_says_that_coroutines_are_not_followed.cpp' %t.err && %t | %check
// RUN: %not %nm %t | grep memscope_coro_

#include "task.h"

// CHECK: load abi=5 flags=0 alloc={{[1-9][0-9]*}} thread=0 coroutine=1
// CHECK: new {{[0-9]+}} @[[@LINE+1]] root()
static Eager root() { co_return; }
int main() {
    Eager e = root();
    e.handle.destroy();
    return 0;
}
