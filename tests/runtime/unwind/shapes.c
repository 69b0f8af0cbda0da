// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "shapes.h"

#include <alloca.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define SHAPE(name) JOIN(shape_##name, SUFFIX)
#define SHAPE_OF_TWIN(name) JOIN(shape_##name, TWIN)

#define NOINLINE __attribute__((noinline))

static void *volatile sink; // what is stored here is not optimised away

NOINLINE void SHAPE(plain)(shape_call last) {
    last();
    sink = (void *)last;
}

static NOINLINE int sum_arguments(int a, int b, int c, int d, int e, int f, int g, int h, int i,
                                  shape_call last) {
    last();
    sink = (void *)last;
    return a + b + c + d + e + f + g + h + i;
}

NOINLINE void SHAPE(many_arguments)(shape_call last) {
    int sum = 0;
    for (int i = 0; i < 2; i++)
        sum += sum_arguments(1, 2, 3, 4, 5, 6, i, 8, 9, last);
    sink = (void *)(long)sum;
}

NOINLINE void SHAPE(big_frame)(shape_call last) {
    char bytes[200000];
    sink = bytes;
    last();
    sink = NULL;
}

NOINLINE void SHAPE(alloca)(shape_call last) {
    for (size_t bytes = 1; bytes < 20000; bytes = bytes * 3 + 1) {
        memset(sink = alloca(bytes), 1, bytes);
        last();
    }
}

NOINLINE void SHAPE(aligned)(shape_call last) {
    _Alignas(64) char bytes[192];
    sink = bytes;
    last();
    sink = NULL;
}

NOINLINE void SHAPE(aligned_alloca)(shape_call last) {
    _Alignas(128) char bytes[128];
    char *more = alloca((size_t)(3000 + (long)sink % 2));
    sink = bytes;
    sink = more;
    last();
    sink = NULL;
}

// Jumps to it at the end, so that its own frame is gone.
NOINLINE void SHAPE(tail)(shape_call last) {
    sink = (void *)last;
    last();
}

__attribute__((cold)) static NOINLINE void rare(shape_call last) {
    last();
    sink = (void *)last;
}

NOINLINE void SHAPE(cold)(shape_call last) {
    if (__builtin_expect(last != NULL, 0)) {
        rare(last);
        sink = (void *)last;
        rare(last);
    }
}

NOINLINE void SHAPE(deep)(int depth, shape_call last) {
    char bytes[24] = {(char)depth};
    sink = bytes;
    if (depth == 0)
        last();
    else if (depth % 3 == 0)
        SHAPE(deep)(depth - 1, last);
    else
        SHAPE_OF_TWIN(deep)(depth - 1, last);
    sink = NULL;
}

static _Thread_local shape_call call_back;

static int compare(const void *left, const void *right) {
    int difference = *(const int *)left - *(const int *)right;
    call_back();
    return difference;
}

static void visit(const void *node, VISIT which, int depth) {
    call_back();
    sink = (void *)((uintptr_t)node + (unsigned)which + (unsigned)depth);
}

NOINLINE void SHAPE(callbacks)(shape_call last) {
    int numbers[] = {5, 3, 9, 1, 7, 2}, key = 7;
    void *tree = NULL;
    call_back = last;
    qsort(numbers, 6, sizeof *numbers, compare);
    sink = bsearch(&key, numbers, 6, sizeof *numbers, compare);
    for (int i = 0; i < 6; i++)
        tsearch(&numbers[i], &tree, compare);
    twalk(tree, visit);
    while (tree)
        tdelete(*(int **)tree, &tree, compare);
}
