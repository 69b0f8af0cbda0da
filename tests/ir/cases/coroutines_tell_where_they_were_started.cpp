// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The place of the call where the ramp was inlined, with the callers it was inlined into; else an
// address. coro_alloc and coro_begin tell the same.
//
// MAJORS: 19 22
// RUN: %cxx -std=c++20 -O2 -g -I%S %s %witness -o %t && WITNESS=events %t | %check --check-prefixes=CHECK,BOTH
// RUN: %cxx -std=c++20 -O0 -g -I%S %s %witness -o %t && WITNESS=events %t | %check --check-prefixes=PLAIN,BOTH
// RUN: %cxx -std=c++20 -O2 -I%S %s %witness -o %t && WITNESS=events %t | %check --check-prefixes=BARE,BOTH

#include "task.h"

__attribute__((noinline)) Eager apart() { co_return; }
static inline __attribute__((always_inline)) Eager near() { co_return; }
static inline __attribute__((always_inline)) void starts() {
    near().handle.destroy();
}
// The address of a coroutine lies between its caller's calls: it cannot be checked here.
// CHECK: begin apart():[[@LINE-6]] at an address
// CHECK: begin near():[[@LINE-6]] at starts():[[@LINE-4]] <- main:[[@LINE+10]]
// CHECK: begin near():[[@LINE-7]] at main:[[@LINE+10]]
// PLAIN: begin apart():[[@LINE-9]] at an address
// PLAIN: begin near():[[@LINE-9]] at
// BARE: begin apart():0 at an address
// BARE: begin near():0 at main:0
// BARE: begin near():0 at main:0
// BOTH: violations=0
int main() {
    apart().handle.destroy();
    starts();
    near().handle.destroy();
    return 0;
}
