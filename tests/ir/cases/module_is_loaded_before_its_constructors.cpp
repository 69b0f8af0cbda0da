// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// And unloaded after its destructors.
//
// RUN: %cxx -O2 -g %s %mock -o %t && %t | %check
// RUN: %cxx -O2 -g %s %mock %lld -o %t && %t | %check

#include <cstdlib>

void *volatile p;
// CHECK: load abi=5
// CHECK-NEXT: malloc 3 @[[@LINE+3]]
// CHECK-NEXT: malloc 4 @[[@LINE+5]]
__attribute__((constructor(101))) static void early() {
    p = std::malloc(3);
}
struct Global {
    Global() { p = std::malloc(4); }
    ~Global() { p = std::malloc(5); }
} global;
// CHECK-NEXT: malloc 5 @[[@LINE-2]]
// CHECK-NEXT: malloc 6 @[[@LINE+3]]
// CHECK-NEXT: unload abi=5
__attribute__((destructor(101))) static void late() {
    p = std::malloc(6);
}
int main() {
    return 0;
}
