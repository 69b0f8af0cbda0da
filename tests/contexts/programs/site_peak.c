// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line, six stacks, none of which holds its peak at the same moment as the line: 130 bytes.

#include <stdlib.h>

// No parameter: a function that is given the size is a wrapper, whose callers are the sites.
static volatile size_t bytes;
__attribute__((noinline)) static void *leaf(void) {
    void *block = malloc(bytes); // the line
    __asm__ volatile("" ::"r"(block));
    return block;
}

__attribute__((noinline)) static void inner(void) {
    bytes = 100;
    free(leaf());
    __asm__ volatile("");
}

__attribute__((noinline)) static void outer(void) {
    bytes = 30;
    void *block = leaf();
    inner();
    free(block);
    __asm__ volatile("");
}

int main(void) {
    inner();
    outer();
    outer();
    bytes = 50;
    free(leaf());
    return 0;
}
