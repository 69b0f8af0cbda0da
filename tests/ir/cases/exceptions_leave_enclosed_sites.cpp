// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An exception that leaves a class's operator new, in a function with a handler and in one without.
//
// RUN: %cxx -O0 -g %s %mock -o %t && %t | %check
// RUN: %cxx -O2 -g %s %mock -o %t && %t | %check
// RUN: %cxx %linked -O2 -g %s %mock -o %t && %t | %check
// RUN: %cxx -O2 -g %s -o %t && %t

#include <cstddef>

struct Thrower {
    __attribute__((noinline)) static void *operator new(std::size_t n) {
        if (n)
            throw 7;
        return nullptr;
    }
    int value;
};

void *volatile sink;
__attribute__((noinline)) void without_handler() {
    sink = new Thrower;
}
__attribute__((noinline)) int with_handler(int n) {
    try {
        if (n == 1)
            without_handler();
        if (n == 2)
            sink = new Thrower;
        if (n == 3)
            sink = new Thrower;
        return 0;
    } catch (int thrown) {
        return thrown;
    }
}

int main() {
    // CHECK: enter 0 @[[@LINE-17]] without_handler() kind=18
    // CHECK-NEXT: enter 1 @[[@LINE-26]] {{.*}} kind=28
    // CHECK-NEXT: leave 1{{$}}
    // CHECK-NEXT: leave 0{{$}}
    // CHECK-NEXT: enter 0 @[[@LINE-14]] with_handler(int) kind=18
    // CHECK-NEXT: enter 1 @[[@LINE-30]] {{.*}} kind=28
    // CHECK-NEXT: leave 1{{$}}
    // CHECK-NEXT: leave 0{{$}}
    // CHECK-NEXT: enter 0 @[[@LINE-16]] with_handler(int) kind=18
    // CHECK-NEXT: enter 1 @[[@LINE-34]] {{.*}} kind=28
    // CHECK-NEXT: leave 1{{$}}
    // CHECK-NEXT: leave 0{{$}}
    // CHECK-NEXT: unload
    return with_handler(1) + with_handler(2) + with_handler(3) == 21 ? 0 : 1;
}
