// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sampling and the levels of tracking in the profile: a part of profile_format.h.
//
// Sampling is a Poisson process over the bytes that are asked for: a block is sampled with the
// probability 1 - exp(-sample_bytes / interval_bytes), whatever happens to others. A sampled block
// is counted under its context, in a cell of blocks of that probability alone; all others under
// unsampled_site_ref. So every block is counted once, totals stay exact, and what a context, site
// or type has is estimated (Horvitz and Thompson, 1952): each figure of a sampled cell times
// 1 / probability.

#ifndef MEMSCOPE_PROFILE_SAMPLING_H
#define MEMSCOPE_PROFILE_SAMPLING_H

#include "profile_format.h"

#define MEMSCOPE_SAMPLE_UNIT 1024u // sample_rate is the probability of a block of so many bytes

// Behind a cell record with MEMSCOPE_CELL_SAMPLED.
struct memscope_cell_sample {
    uint64_t interval_bytes; // mean distance of two samples, at least 1
    uint64_t sample_bytes;   // what each block of the cell counted for: memscope_sample_bytes
    uint64_t reserved[6];
};

// What a block of `bytes` counts for: at least 16, so that blocks of no bytes are sampled too;
// exact up to 64 and for powers of two, else rounded up by less than 1/16, so that there are few
// sizes and each block of a cell weighs the same.
static inline uint64_t memscope_sample_bytes(uint64_t bytes) {
    if (bytes <= 64)
        return bytes < 16 ? 16 : bytes;
    uint64_t step = 1ull << (63 - 4 - __builtin_clzll(bytes - 1));
    return (bytes + step - 1) & ~(step - 1);
}

// How allocations are counted; each level costs less than the one before.
enum memscope_level {
    MEMSCOPE_LEVEL_CONTEXTS = 0, // each under its whole stack
    MEMSCOPE_LEVEL_SITES = 1,    // each under its site
    MEMSCOPE_LEVEL_SAMPLED = 2, // those that are sampled under their whole stack, the rest in total
    MEMSCOPE_LEVEL_TOTALS = 3,  // none but in total: interval_bytes is 0
};

enum memscope_level_reason {
    MEMSCOPE_LEVEL_CONFIGURED = 0,   // by depth=0, sample_rate, or a call of backend.h
    MEMSCOPE_LEVEL_OVER_BUDGET = 1,  // the overhead passed max_overhead_percent
    MEMSCOPE_LEVEL_UNDER_BUDGET = 2, // there is room for more
};

// From `since_ns` on, up to that of the next such record. A profile without one is at
// MEMSCOPE_LEVEL_CONTEXTS throughout. Threads take notice of a level one after another, at their
// next look at the clock; which one counted a block is told by its cell.
struct memscope_level_record {
    struct memscope_record record;
    uint32_t level;  // enum memscope_level
    uint32_t reason; // enum memscope_level_reason
    uint64_t since_ns;
    uint64_t interval_bytes; // of MEMSCOPE_LEVEL_SAMPLED, else 0
    double overhead_percent; // of the time before, which led to it; NaN = not measured
    double overhead_error;
    double budget_percent; // max_overhead_percent; 0 = none
    uint64_t reserved0;
};

#endif
