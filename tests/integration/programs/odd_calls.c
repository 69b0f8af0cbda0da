// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// realloc's corners, sizes of zero, huge blocks that are never touched, and calls that fail: none of
// which may change errno's meaning, the program's result or the count.

#include "truth.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            dprintf(2, "odd_calls.c:%d: %s\n", __LINE__, #condition);                              \
            _Exit(3);                                                                              \
        }                                                                                          \
    } while (0)

#ifdef OTHER_ALLOCATOR
enum { GLIBC = 0 };
#else
enum { GLIBC = 1 };
#endif

static volatile size_t too_much = SIZE_MAX / 2;
static volatile size_t zero = 0;
static void *volatile sink; // keeps the compiler from taking a failing call for granted

static void corners(void)
{
    char *p = TRUTH(malloc(40), 40);
    p = TRUTH_REALLOC(p, realloc(p, zero), 0); // glibc frees and returns NULL
    CHECK(p == NULL || !GLIBC);
    free(TRUTH_FREE(p));
    p = TRUTH_REALLOC(NULL, realloc(NULL, zero), 0); // an allocation of zero bytes
    CHECK(p != NULL);
    p = TRUTH_REALLOC(p, realloc(p, 24), 24);
    errno = 0;
    sink = realloc(p, too_much);
    CHECK(sink == NULL && (truth_errno() == ENOMEM || !GLIBC));
    errno = 0;
    sink = reallocarray(p, too_much, 4);
    CHECK(sink == NULL && (truth_errno() == ENOMEM || !GLIBC));
    p = TRUTH_REALLOC(p, realloc(p, 24), 24); // the same size: still one free, one allocation
    free(TRUTH_FREE(p));
    void *q = TRUTH(malloc(zero), 0);
    void *r = TRUTH(calloc(zero, 5), 0);
    CHECK(q != NULL && r != NULL && q != r);
    free(TRUTH_FREE(q));
}

static void huge(void)
{
    size_t size = (size_t)5 << 30;
    char *p = TRUTH(malloc(size), size);
    CHECK(p != NULL);
    p[0] = 1;
    p[size - 1] = 2;
    p = TRUTH_REALLOC(p, realloc(p, size + 4096), size + 4096);
    CHECK(p != NULL && p[0] == 1 && p[size - 1] == 2);
    free(TRUTH_FREE(p));
    void *left = TRUTH(malloc(size + 7), size + 7);
    CHECK(left != NULL);
}

static void failing(void)
{
    errno = 0;
    sink = malloc(too_much);
    CHECK(sink == NULL && (truth_errno() == ENOMEM || !GLIBC));
    errno = 0;
    sink = calloc(too_much, 16);
    CHECK(sink == NULL && (truth_errno() == ENOMEM || !GLIBC));
    errno = 0;
    sink = aligned_alloc(4096, too_much);
    CHECK(sink == NULL && (truth_errno() == ENOMEM || !GLIBC));
    void *out = &out;
    CHECK(posix_memalign(&out, 64, too_much) == ENOMEM && out == &out); // errno: glibc sets it too
    errno = 77;
    CHECK(posix_memalign(&out, 3, 64) == EINVAL && out == &out);
    CHECK(truth_errno() == 77 || !GLIBC);
}

static void errno_is_kept(void)
{
    errno = 55;
    void *p = TRUTH(malloc(10), 10);
    CHECK(truth_errno() == 55);
    p = TRUTH_REALLOC(p, realloc(p, 5000), 5000);
    CHECK(truth_errno() == 55);
    free(TRUTH_FREE(p));
    free(NULL);
    CHECK(truth_errno() == 55);
    p = TRUTH(calloc(3, 3), 9);
    CHECK(truth_errno() == 55);
    for (size_t size = 1; size < 100000; size *= 3) { // new chunks, new cells
        void *more = TRUTH(malloc(size), size);
        CHECK(truth_errno() == 55);
        free(TRUTH_FREE(more));
        CHECK(truth_errno() == 55);
    }
    free(TRUTH_FREE(p));
}

int main(void)
{
    corners();
    failing();
    errno_is_kept();
    if (GLIBC)
        huge();
    truth_print();
    return 0;
}
