// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every function of the malloc family at a known line, with its own truth: blocks freed, blocks
// left, blocks of size zero, an inlined helper, a peak in the middle.

#include "truth.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline void *helper(size_t size)
{
    return TRUTH(malloc(size), size);
}

__attribute__((noinline)) static void *twice(size_t size)
{
    free(TRUTH_FREE(helper(size)));
    return helper(size + 1);
}

static void aligned(void)
{
    void *a = TRUTH(aligned_alloc(64, 640), 640);
    void *b = TRUTH(memalign(256, 1000), 1000);
    void *c = TRUTH(valloc(5000), 5000);
    void *d = TRUTH(pvalloc(5001), 5001);
    void *out = NULL;
    void *e = TRUTH(posix_memalign(&out, 128, 777) == 0 ? out : NULL, 777);
    uintptr_t mixed = ((uintptr_t)a & 63) | ((uintptr_t)b & 255) | ((uintptr_t)c & 4095) |
                      ((uintptr_t)d & 4095) | ((uintptr_t)e & 127);
    if (mixed != 0)
        exit(3);
    free(TRUTH_FREE(c));
    free(TRUTH_FREE(a));
    free(TRUTH_FREE(e));
    (void)b; // left alive
}

static void strings(void)
{
    char *a = TRUTH(strdup("thirteen char"), 14);
    char *b = TRUTH(strndup("thirteen char", 5), 6);
    if (strcmp(b, "thirt") != 0)
        exit(4);
    free(TRUTH_FREE(a));
}

static void resized(void)
{
    char *p = TRUTH_REALLOC(NULL, realloc(NULL, 100), 100);
    memset(p, 7, 100);
    p = TRUTH_REALLOC(p, realloc(p, 100000), 100000);
    p = TRUTH_REALLOC(p, realloc(p, 50), 50);
    if (p[49] != 7)
        exit(5);
    p = TRUTH_REALLOC(p, reallocarray(p, 20, 30), 600);
    (void)p; // left alive
}

static void many(void)
{
    void *kept[100];
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < 100; ++i)
            kept[i] = TRUTH(malloc(i * 17), i * 17);
        for (size_t i = 0; i < 100; ++i)
            free(TRUTH_FREE(kept[i]));
    }
    for (size_t i = 0; i < 50; ++i)
        kept[i] = TRUTH(calloc(i, 3), i * 3);
    for (size_t i = 0; i < 50; i += 2)
        free(TRUTH_FREE(kept[i]));
}

int main(void)
{
    aligned();
    strings();
    twice(33);
    void *big = TRUTH(malloc(3000000), 3000000);
    many();
    free(TRUTH_FREE(big));
    resized();
    free(NULL);
    truth_print();
    return 0;
}
