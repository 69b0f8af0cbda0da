// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cxx -O0 -g %s %mock -o %t && %t | %check
// RUN: %cxx -O1 -fno-inline -g %s %mock -o %t && %t | %check

#include <cstdio>
#include <cstdlib>
#include <new>

struct Node {
    static void *operator new(size_t n);
    static void operator delete(void *p);
    int value[4];
};
struct Arena {};
void *operator new(size_t n, Arena &);

__attribute__((noinline)) void *Node::operator new(size_t n) {
    return std::malloc(n + 1);
}
__attribute__((noinline)) void Node::operator delete(void *p) {
    std::free(p);
}
__attribute__((noinline)) void *operator new(size_t n, Arena &) {
    return std::malloc(n + 2);
}
// Replaced in this very module: certainly the one that runs.
__attribute__((noinline)) void *operator new[](size_t n) {
    std::puts("own new[]");
    std::fflush(stdout);
    return std::malloc(n + 3);
}

void *volatile sink;
alignas(Node) char place[sizeof(Node)];
int main() {
    // CHECK: enter 0 @[[@LINE+3]] main kind=18
    // CHECK-NEXT: malloc 17 @{{[0-9]+}} Node::operator new(unsigned long) kind=1
    // CHECK-NEXT: leave 0{{$}}
    Node *node = new Node;
    sink = node;
    // CHECK-NEXT: free ptr
    delete node;
    Arena arena;
    // CHECK-NEXT: enter 0 @[[@LINE+3]] main kind=16
    // CHECK-NEXT: malloc 6 @{{[0-9]+}} operator new(unsigned long, Arena&) kind=1
    // CHECK-NEXT: leave 0{{$}}
    sink = new (arena) int;
    // CHECK-NEXT: enter 0 @[[@LINE+4]] main kind=17
    // CHECK-NEXT: own new[]
    // CHECK-NEXT: malloc 23 @{{[0-9]+}} operator new[](unsigned long) kind=1
    // CHECK-NEXT: leave 0{{$}}
    sink = new int[5];
    // Placement allocates nothing.
    // CHECK-NEXT: unload
    sink = ::new (place) Node;
    return 0;
}
