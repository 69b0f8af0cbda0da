// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutines that are split when compiled (19), or at the link (22, thin), and the plugin loaded at
// the link as well.
//
// MAJORS: 19 22
// RUN: for f in -O0 -O2; do %cxx -std=c++20 $f -g -flto=thin -I%S -c %s -o %t.o && %cxx -std=c++20 $f -flto=thin -DLEAF -I%S -c %s -o %t.leaf.o && for g in '' -Wl,--load-pass-plugin=%plugin; do %clangxx $f -flto=thin %lld $g %t.o %t.leaf.o %witness -o %t && %t | %check || exit 1; done; done

#include "task.h"

Task leaf(int n);
#ifdef LEAF
Task leaf(int n) { co_return n; }
#else
static Task root() {
    int sum = 0;
    for (int i = 0; i < 3; i++)
        sum += co_await leaf(i);
    co_return sum;
}
// CHECK: tasks begun=4 ended=4 alive=0
// CHECK-NEXT: events suspend=11 pop=11 unsuspend=0 resume=7 destroy=4 unwind=0
// CHECK: violations=0
int main() { return root().run() == 3 ? 0 : 1; }
#endif
