// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Single blocks in the profile, where the option `records` asks for them: a part of
// profile_format.h. Up to `limit` of the blocks alive, and up to `limit` of those that were freed,
// a uniform sample of all of them (Vitter, "Random sampling with a reservoir", algorithm R).

#ifndef MEMSCOPE_PROFILE_BLOCKS_H
#define MEMSCOPE_PROFILE_BLOCKS_H

#include "profile_format.h"

// The flags of these records.
enum memscope_block_state {
    MEMSCOPE_BLOCK_SPARE = 0, // says nothing, waits for its next block
    MEMSCOPE_BLOCK_ALIVE = 1,
    MEMSCOPE_BLOCK_FREED = 2,
    MEMSCOPE_BLOCK_TOTALS = 3, // the one memscope_block_totals_record
};

#define MEMSCOPE_RECORDS_MOST 1000000 // of the option `records`

// `order` of a freed block: its number among all freed ones, and below that its place in the
// reservoir. Of two with the same place the one with the lower number was about to make room.
#define MEMSCOPE_BLOCK_PLACE_BITS 20
_Static_assert(MEMSCOPE_RECORDS_MOST <= 1 << MEMSCOPE_BLOCK_PLACE_BITS, "every place has its bits");

struct memscope_block_record {
    struct memscope_record record; // flags: enum memscope_block_state
    uint64_t address;
    uint64_t bytes;        // requested
    uint64_t task_id;      // that allocated it; 0 = a thread's root task
    uint64_t allocated_ns; // 0 = not known
    uint64_t freed_ns;     // while it is spare, the runtime's own
    uint64_t order;
    uint32_t cell_ref;     // that counts it
    uint32_t freed_by_ref; // thread; 0 = not known
};

struct memscope_block_totals_record {
    struct memscope_record record; // flags: MEMSCOPE_BLOCK_TOTALS
    uint64_t limit;
    uint64_t seed;
    uint64_t freed;  // so far (atomic): each of them may be in the sample
    uint64_t missed; // of the freed, those the sample chose but had no room for (atomic)
    uint64_t reserved[3];
};

_Static_assert(sizeof(struct memscope_block_record) == MEMSCOPE_UNIT_BYTES &&
                   sizeof(struct memscope_block_totals_record) == MEMSCOPE_UNIT_BYTES,
               "a unit each");

#endif
