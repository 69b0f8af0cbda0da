// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes around the bits that a block's record has for them, 2^31 and 2^32, many alive at once, which
// shrink, grow, are freed in another order and are allocated again. Nothing touches the memory.

#include "truth.h"

#include <stdint.h>
#include <stdlib.h>

enum { KEPT = 40 };

static const size_t sizes[] = {
    ((size_t)1 << 31) - 3, ((size_t)1 << 31) - 2, ((size_t)1 << 31) - 1, (size_t)1 << 31,
    ((size_t)1 << 31) + 1, ((size_t)1 << 32) - 1, (size_t)1 << 32,       ((size_t)1 << 32) + 1,
    ((size_t)1 << 32) * 2, ((size_t)1 << 32) + ((size_t)1 << 31) - 1,
};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

int main(void)
{
    void *kept[KEPT];
    for (size_t i = 0; i < KEPT; ++i) {
        size_t size = sizes[i % SIZES];
        kept[i] = TRUTH(malloc(size), size);
        if (kept[i] == NULL)
            return 3;
    }
    for (size_t i = 0; i < KEPT; i += 3) {
        size_t size = sizes[(i / 3) % SIZES];
        kept[i] = TRUTH_REALLOC(kept[i], realloc(kept[i], size), size);
    }
    for (size_t i = 1; i < KEPT; i += 3) {
        kept[i] = TRUTH_REALLOC(kept[i], realloc(kept[i], i), i);
        free(TRUTH_FREE(kept[i]));
    }
    for (size_t i = 0; i < KEPT * 200; ++i) {
        size_t size = sizes[i % SIZES];
        free(TRUTH_FREE(TRUTH(malloc(size), size)));
    }
    for (size_t i = 2; i < KEPT; i += 6)
        free(TRUTH_FREE(kept[i]));
    truth_print();
    return 0;
}
