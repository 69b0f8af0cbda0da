// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cxx -std=c++17 -fsized-deallocation -O0 -g %s %mock -o %t && %t | %check
// RUN: %cxx -std=c++17 -fsized-deallocation -O2 -g %s %mock -o %t && %t | %check
// RUN: %cxx %linked -std=c++17 -fsized-deallocation -O2 -g %s %mock %lld -o %t && %t | %check

#include <new>

void *volatile sink;
using A = std::align_val_t;

// CHECK: load abi=5 flags=0 alloc=8
int main() {
    // CHECK: new 4 @[[@LINE+1]] main kind=16
    sink = ::operator new(4);
    // CHECK-NEXT: delete ptr 0 0
    ::operator delete(sink);
    // CHECK-NEXT: new_nothrow 5 1 @[[@LINE+1]] main kind=16
    sink = ::operator new(5, std::nothrow);
    // CHECK-NEXT: delete_sized ptr 5 0
    ::operator delete(sink, std::size_t(5));
    // CHECK-NEXT: new_aligned 128 64 @[[@LINE+1]] main kind=16
    sink = ::operator new(128, A(64));
    // CHECK-NEXT: delete_aligned ptr 64 0
    ::operator delete(sink, A(64));
    // CHECK-NEXT: new_aligned_nothrow 64 32 1 @[[@LINE+1]] main kind=16
    sink = ::operator new(64, A(32), std::nothrow);
    // CHECK-NEXT: delete_sized_aligned ptr 64 32
    ::operator delete(sink, std::size_t(64), A(32));
    // CHECK-NEXT: new_array 6 @[[@LINE+1]] main kind=17
    sink = ::operator new[](6);
    // CHECK-NEXT: delete_array ptr 0 0
    ::operator delete[](sink);
    // CHECK-NEXT: new_array_nothrow 7 1 @[[@LINE+1]] main kind=17
    sink = ::operator new[](7, std::nothrow);
    // CHECK-NEXT: delete_array_sized ptr 7 0
    ::operator delete[](sink, std::size_t(7));
    // CHECK-NEXT: new_array_aligned 256 128 @[[@LINE+1]] main kind=17
    sink = ::operator new[](256, A(128));
    // CHECK-NEXT: delete_array_aligned ptr 128 0
    ::operator delete[](sink, A(128));
    // CHECK-NEXT: new_array_aligned_nothrow 128 64 1 @[[@LINE+1]] main kind=17
    sink = ::operator new[](128, A(64), std::nothrow);
    // CHECK-NEXT: delete_array_sized_aligned ptr 128 64
    ::operator delete[](sink, std::size_t(128), A(64));
    // CHECK-NEXT: delete_nothrow null 1 0
    ::operator delete(nullptr, std::nothrow);
    // CHECK-NEXT: delete_aligned_nothrow null 16 1
    ::operator delete(nullptr, A(16), std::nothrow);
    // CHECK-NEXT: delete_array_nothrow null 1 0
    ::operator delete[](nullptr, std::nothrow);
    // CHECK-NEXT: delete_array_aligned_nothrow null 16 1
    ::operator delete[](nullptr, A(16), std::nothrow);
    return 0;
}
// CHECK: unload abi=5
