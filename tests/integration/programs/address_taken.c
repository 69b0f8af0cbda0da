// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocation functions called through pointers: no call that a compiler could rewrite, still counted.

#include "truth.h"

#include <stdlib.h>

static void *(*volatile allocate)(size_t) = malloc;
static void *(*volatile resize)(void *, size_t) = realloc;
static void (*volatile release)(void *) = free;

int main(void)
{
    void *direct = TRUTH(malloc(11), 11);
    for (int i = 0; i < 10; ++i) {
        void *p = allocate(1000);
        p = resize(p, 2000);
        if (i % 2)
            release(p);
    }
    free(TRUTH_FREE(direct));
    truth_print();
    return 0;
}
