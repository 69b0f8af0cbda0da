// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// -memscope-alloc=NAME:SIZEARG:KIND, by symbol or by qualified C++ name.
//
// RUN: %cxx -fplugin=%plugin -mllvm -memscope-alloc=pool_take:2:user -mllvm -memscope-alloc=pool::Arena::get:2:calloc -O1 -g %s %mock -o %t && %t | %check
// RUN: %not %cxx -fplugin=%plugin -mllvm -memscope-alloc=pool_take:1:user -c %s -o %t.o 2> %t.err
// RUN: grep -F -e "-memscope-alloc=pool_take:1:user: argument 1 of pool_take is not an integer" %t.err
// RUN: %not %cxx -fplugin=%plugin -mllvm -memscope-alloc=pool_take:x:user -c %s -o %t.o 2> %t.err
// RUN: grep -F -e "-memscope-alloc=pool_take:x:user: SIZEARG 'x' is not a number" %t.err
// RUN: %not %cxx -fplugin=%plugin -mllvm -memscope-alloc=pool_take:1:wrong -c %s -o %t.o 2> %t.err
// RUN: grep -F -e "-memscope-alloc=pool_take:1:wrong: KIND 'wrong' is not one of malloc, calloc," %t.err
// RUN: %not %cxx -fplugin=%plugin -mllvm -memscope-alloc=pool_take -c %s -o %t.o 2> %t.err
// RUN: grep -F -e "-memscope-alloc=pool_take: expected NAME:SIZEARG:KIND" %t.err
// RUN: %not %cxx -fplugin=%plugin -mllvm -memscope-runtime=fast -c %s -o %t.o 2> %t.err
// RUN: grep -F -e "-memscope-runtime=fast: expected auto or linked" %t.err && test $(grep -c error: %t.err) = 1
// RUN: %not %cxx -fplugin=%plugin -mllvm -memscope-frame-pointers=yes -c %s -o %t.o 2> %t.err
// RUN: grep -F -e "-memscope-frame-pointers=yes: expected 0, 1 or all" %t.err

#include <cstdlib>

extern "C" __attribute__((noinline)) void *pool_take(void *, int n) {
    return std::malloc(n);
}
namespace pool {
struct Arena {
    __attribute__((noinline)) void *get(int n) {
        return std::malloc(n);
    }
};
} // namespace pool
void *volatile p;
// CHECK: load abi=5 flags=0 alloc=4
int main() {
    // CHECK: enter 0 @[[@LINE+3]] main kind=20
    // CHECK-NEXT: malloc 3 @{{[0-9]+}} pool_take kind=1
    // CHECK-NEXT: leave 0{{$}}
    p = pool_take(nullptr, 3);
    pool::Arena arena;
    // CHECK-NEXT: enter 0 @[[@LINE+3]] main kind=2
    // CHECK-NEXT: malloc 4 @{{[0-9]+}} pool::Arena::get(int) kind=1
    // CHECK-NEXT: leave 0{{$}}
    p = arena.get(4);
    return 0;
}
