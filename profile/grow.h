// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arrays that grow one item at a time. For the files of profile/, source/ and report/.

#ifndef MEMSCOPE_PROFILE_GROW_H
#define MEMSCOPE_PROFILE_GROW_H

#include <stddef.h>
#include <stdlib.h>

// The array with room for one more behind its `count` items; NULL = no memory, it stays as it is.
static inline void *ms_grown(void *items, size_t *capacity, size_t count, size_t item_bytes) {
    if (count < *capacity)
        return items;
    size_t wanted = *capacity ? 2 * *capacity : 16;
    void *grown = realloc(items, wanted * item_bytes);
    if (grown)
        *capacity = wanted;
    return grown;
}

#endif
