// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks of one type that have room for more or fewer objects, and bytes behind the last whole one.

#include <stdlib.h>

struct node {
    struct node *next;
    long value;
};
struct text {
    long length;
    char bytes[];
};
static void *volatile kept;

// Of 16 bytes: blocks of 1, 3, 6 and 10 objects, 9 bytes behind the last whole one of each of two.
static void nodes(size_t count, size_t more) {
    struct node *some = malloc(count * sizeof *some + more);
    kept = some;
    if (count == 3)
        free(some);
}

// Of 8 bytes: the head, and 21 bytes of text that are two heads more and 5 bytes.
static void texts(size_t length) {
    struct text *text = malloc(sizeof *text + length);
    kept = text;
}

int main(int argc, char **argv) {
    (void)argv;
    size_t one = (size_t)argc;
    nodes(one, 0);
    nodes(3 * one, 0);
    nodes(6 * one, 9);
    nodes(10 * one, 9);
    texts(21 * one);
    return 0;
}
