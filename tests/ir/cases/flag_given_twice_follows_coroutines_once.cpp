// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// -fpass-plugin named twice.
//
// MAJORS: 19 22
// RUN: for f in -O0 -O2; do %cxx -fpass-plugin=%plugin -std=c++20 $f -g -I%S %s %witness -o %t && %t | %check || exit 1; done

#include "task.h"

static Task leaf(int n) { co_return n; }
static Task root() { co_return co_await leaf(3); }
// CHECK: tasks begun=2 ended=2 alive=0
// CHECK-NEXT: events suspend=5 pop=5 unsuspend=0 resume=3 destroy=2 unwind=0
// CHECK: violations=0
int main() { return root().run() == 3 ? 0 : 1; }
