// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line, six stacks, none of which holds its peak at the same moment as the line: 130 bytes.

#include <stdlib.h>

__attribute__((noinline)) static void *leaf(size_t bytes) {
    void *block = malloc(bytes); // the line
    __asm__ volatile("" ::"r"(block));
    return block;
}

__attribute__((noinline)) static void inner(void) {
    free(leaf(100));
    __asm__ volatile("");
}

__attribute__((noinline)) static void outer(void) {
    void *block = leaf(30);
    inner();
    free(block);
    __asm__ volatile("");
}

int main(void) {
    inner();
    outer();
    outer();
    free(leaf(50));
    return 0;
}
