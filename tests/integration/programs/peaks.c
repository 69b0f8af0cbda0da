// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One thread, 8 sites, 20,000 seeded steps of malloc, realloc and free: the peak, what was alive at
// it by site, and temporaries are exact.

#include "truth.h"

#include <stdint.h>
#include <stdlib.h>

static uint32_t seed = 12345;

static uint32_t below(uint32_t limit)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * limit) >> 32);
}

static void *allocate(uint32_t site, size_t size)
{
    switch (site) {
    case 0:
        return TRUTH(malloc(size), size);
    case 1:
        return TRUTH(calloc(1, size), size);
    case 2:
        return TRUTH(malloc(size * 3), size * 3);
    case 3:
        return TRUTH(aligned_alloc(16, size), size);
    case 4:
        return TRUTH(calloc(size, 2), size * 2);
    case 5:
        return TRUTH(malloc(size + 100), size + 100);
    default:
        return TRUTH(malloc(size / 2), size / 2);
    }
}

int main(void)
{
    static void *kept[1000];
    for (uint32_t step = 0; step < 20000; ++step) {
        // The set grows for a while, shrinks, and grows again, so that the peak moves.
        uint32_t width = (step / 5000) % 2 ? 1000 : 400;
        uint32_t slot = below(width);
        size_t size = below(step % 7 == 0 ? 20000 : 300);
        uint32_t what = below(10);
        if (what == 0 && kept[slot] != NULL) {
            kept[slot] = TRUTH_REALLOC(kept[slot], realloc(kept[slot], size + 1), size + 1);
        } else if (what < 5) {
            free(TRUTH_FREE(kept[slot]));
            kept[slot] = NULL;
        } else {
            free(TRUTH_FREE(kept[slot]));
            kept[slot] = allocate(below(7), size);
        }
    }
    truth_print();
    return 0;
}
