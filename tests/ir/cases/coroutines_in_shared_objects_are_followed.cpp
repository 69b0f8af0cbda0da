// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// -fPIC: weak hooks in the library, also where linked mode is asked for; its coroutines are awaited
// by the program's.
//
// MAJORS: 19 22
// RUN: for f in -O0 -O2; do for g in '' '%linked'; do %cxx -std=c++20 $f -g -fPIC -shared -DLIBRARY $g -I%S %s -o %t.so && %cxx -std=c++20 $f -g -I%S %s %witness %t.so -Wl,-rpath,$(dirname %t) '-Wl,--export-dynamic-symbol=__memscope_*' -o %t && %t | %check || exit 1; done; done
// RUN: %cxx -std=c++20 -O2 -fPIC -DLIBRARY %linked -I%S -S -emit-llvm %s -o - | grep 'declare extern_weak void @__memscope_coro_resume'

#include "task.h"

Task library(int n);
#ifdef LIBRARY
static Task inner(int n) { co_return n + 1; }
Task library(int n) { co_return co_await inner(n); }
#else
static Task program() { co_return co_await library(1); }
// CHECK: tasks begun=3 ended=3 alive=0
// CHECK-NEXT: events suspend=8 pop=8 unsuspend=0 resume=5 destroy=3 unwind=0
// CHECK: violations=0
int main() { return program().run() == 2 ? 0 : 1; }
#endif
