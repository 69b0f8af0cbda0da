// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Also with line tables alone, which have no qualified names of their own.
//
// RUN: %cxx -O2 -g %s %mock -o %t && %t | %check
// RUN: %cxx -O2 -gline-tables-only %s %mock -o %t && %t | %check

#include <cstdlib>

namespace pool {
struct Arena {
    static inline void *take(int n) {
        return std::malloc(n);
    }
};
} // namespace pool
static inline void *middle(int n) {
    return pool::Arena::take(n + 1);
}
void *volatile p;
// CHECK: malloc 8 @[[@LINE-8]] pool::Arena::take(int) kind=1 <- middle(int):[[@LINE-3]] <- main:[[@LINE+2]]
int main() {
    p = middle(7);
    return 0;
}
