// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both units hold the same comdat function; the linker keeps one and drops the other's.
//
// RUN: for level in -O0 -O2; do %cxx $level -g -c %s -o %t.1.o && %cxx $level -g -DOTHER -c %s -o %t.2.o && %clangxx %t.1.o %t.2.o %mock -o %t && %t | %check || exit 1; done
// RUN: for level in -O0 -O2; do %cxx $level -g -c %s -o %t.1.o && %cxx $level -g -DOTHER -c %s -o %t.2.o && %clangxx %lld %t.1.o %t.2.o %mock -o %t && %t | %check || exit 1; done
// RUN: %cxx -O2 -g -ffunction-sections -fdata-sections -c %s -o %t.1.o && %cxx -O0 -g -ffunction-sections -DOTHER -c %s -o %t.2.o && %clangxx -Wl,--gc-sections %t.1.o %t.2.o %mock -o %t && %t | %check
// RUN: %cxx -O2 -g -c %s -o %t.1.o && %clangxx -O0 -g -DOTHER -c %s -o %t.2.o && %clangxx %t.1.o %t.2.o -o %t && %t

#include <cstdlib>

template <typename T> __attribute__((noinline)) void *shared(T n) {
    return std::malloc(n);
}
void *other();

#ifdef OTHER
void *other() {
    return shared(22l);
}
#else
void *volatile p;
// CHECK: malloc 11 @[[@LINE-10]] void* shared<long>(long) kind=1
// CHECK: malloc 22 @[[@LINE-11]] void* shared<long>(long) kind=1
int main() {
    p = shared(11l);
    p = other();
    return 0;
}
#endif
