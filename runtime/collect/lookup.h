// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread's table from two words to one of its records (task folds, transfers). Used by its owner
// alone, under the guard, but for ms_lookup_forget; on pages that a fork child finds zeroed.

#ifndef MS_LOOKUP_H
#define MS_LOOKUP_H

#include "base/shared.h"

struct ms_lookup_entry {
    uint64_t a, b; // a is never 0, but in entries that were forgotten
    void *value;   // NULL = empty
};

struct ms_lookup {
    struct ms_lookup_entry *entries;
    uint64_t count; // a power of two, 0 = none yet
    uint64_t used;
};

MS_HOT uint64_t ms_lookup_start(uint64_t a, uint64_t b) {
    uint64_t mixed =
        (a ^ (b << 32 | b >> 32)) * 0x9e3779b97f4a7c15u; // Fibonacci hashing, see tls.h
    return mixed >> 32;
}

MS_HOT void *ms_lookup_find(const struct ms_lookup *lookup, uint64_t a, uint64_t b) {
    if (MS_UNLIKELY(lookup->count == 0))
        return NULL;
    for (uint64_t at = ms_lookup_start(a, b);; at++) {
        const struct ms_lookup_entry *entry = &lookup->entries[at & (lookup->count - 1)];
        if (!entry->value || (entry->a == a && entry->b == b))
            return entry->value;
    }
}

// Remembers it; where memory runs out it is found by nobody.
void ms_lookup_add(struct ms_lookup *lookup, uint64_t a, uint64_t b, void *value);

// Forgets entries of which either word, taken as an address, lies in [start, end). Any thread.
void ms_lookup_forget(struct ms_lookup *lookup, uintptr_t start, uintptr_t end);

#endif
