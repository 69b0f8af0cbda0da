// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weak: each call of a hook stands behind a test of it, and the program runs without a runtime.
// Linked: no test, and calls that cannot throw.
//
// MAJORS: 19 22
// RUN: for f in -O0 -O2; do %cxx -std=c++20 $f -g -I%S %s -o %t && %t || exit 1; done
// RUN: for f in -O0 -O2; do %cxx -std=c++20 $f -g -I%S -S -emit-llvm %s -o %t.ll && test $(grep -c 'icmp ne ptr @__memscope_coro' %t.ll) -gt 10 && test $(grep -c 'icmp ne ptr @__memscope_coro' %t.ll) = $(grep -c 'call .*@__memscope_coro' %t.ll) || exit 1; done
// RUN: for f in -O0 -O2; do %cxx -std=c++20 $f -g %linked -I%S -S -emit-llvm %s -o %t.ll && test $(grep -c 'call .*@__memscope_coro' %t.ll) -gt 10 && ! grep 'icmp.*@__memscope' %t.ll && ! grep 'invoke.*@__memscope_coro' %t.ll && grep 'declare void @__memscope_coro_end(ptr)' %t.ll || exit 1; done
// RUN: test $(awk '/call.*@__memscope_coro/ && !/, !dbg/' %t.ll | wc -l) = 0
// RUN: for f in -O0 -O2; do %cxx -std=c++20 $f -g %linked -I%S %s %mock %witness -o %t && %t | %check || exit 1; done

#include "task.h"

static Task leaf(int n) { co_return n; }
static Task root() { co_return co_await leaf(3); }
// CHECK: tasks begun=2 ended=2 alive=0
// CHECK-NEXT: events suspend=5 pop=5 unsuspend=0 resume=3 destroy=2 unwind=0
// CHECK: violations=0
int main() { return root().run() == 3 ? 0 : 1; }
