// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An invoke of operator new: with the hook, and plain, the handler runs.
//
// RUN: for level in -O0 -O2; do %cxx $level -g %s -o %t && %t || exit 1; done
// RUN: for level in -O0 -O2; do %cxx $level -g %s %lld -o %t && %t || exit 1; done
// RUN: for level in -O0 -O2; do %cxx $level -g %s %mock -o %t && %t | %check || exit 1; done
// RUN: %cxx %linked -O2 -g %s %mock -o %t && %t | %check
// RUN: %cxx -O2 -g -S -emit-llvm %s -o - | %check --check-prefix=IR

#include <cstddef>
#include <new>

void *volatile sink;
struct Noisy {
    int *count;
    explicit Noisy(int *count) : count(count) {}
    ~Noisy() { ++*count; }
};
// IR: invoke {{.*}}@__memscope_new_array(i64
// IR-NEXT: to label %[[NORMAL:[a-z0-9._]+]] unwind label %[[UNWIND:[a-z0-9._]+]], !dbg
// IR: invoke {{.*}}@_Znam(i64
// IR-NEXT: to label %[[NORMAL]] unwind label %[[UNWIND]], !dbg
__attribute__((noinline)) int attempt(std::size_t n, int *count) {
    Noisy noisy(count);
    try {
        sink = new char[n];
        return 0;
    } catch (const std::bad_alloc &) {
        return 1;
    }
}

// CHECK: new_array 10 @
// CHECK: new_array 4611686018427387904 @
int main() {
    int count = 0;
    int thrown = attempt(10, &count) + 10 * attempt(std::size_t(1) << 62, &count);
    return thrown == 10 && count == 2 ? 0 : 1;
}
