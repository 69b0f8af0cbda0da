// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a block's address to its record: eight bytes for every 32 bytes of heap, found by two loads.
//
//   address  [ leaf index | granule in leaf | 5 bits ]
//   ms_shadow_leaves[leaf index] ─▶ biased start of a leaf of 2^21 records (16 MiB for 64 MiB)
//   record   [ cell ref : 32 | requested bytes : 32 ]    0 = not ours
//
// Two blocks never share a granule: glibc's start at least 32 bytes apart, of other allocators at
// least 32 bytes are asked (ms_real.least_bytes). Leaves are mapped when first needed, so that
// nothing large is reserved under `ulimit -v`, and never given back. Requests of 2^31 - 1 bytes and
// more have their size in a side table. A block belongs to one thread at a time: its record is
// written before the program has its address and taken before the allocator has it back.

#ifndef MS_SHADOW_H
#define MS_SHADOW_H

#include "base/shared.h"

enum {
    MS_GRANULE_BITS = 5,
    MS_LEAF_BITS = 26,
};
#define MS_LEAF_COUNT (1ull << (MS_ADDRESS_BITS - MS_LEAF_BITS))
#define MS_SIZE_ASIDE 0x7fffffffu

// Biased: the record of address a is at leaf + (a >> 5) * 8.
extern MS_INTERNAL char *ms_shadow_leaves[MS_LEAF_COUNT];

MS_HOT uint64_t *ms_shadow_at(char *leaf, uintptr_t address) {
    return (uint64_t *)(leaf + (address >> MS_GRANULE_BITS << 3));
}

// (cell - units) is 64 times the ref.
MS_HOT uint64_t ms_shadow_record(const char *units, const struct memscope_cell_record *cell,
                                 uint64_t bytes) {
    return ((uint64_t)((const char *)cell - units) << (32 - 6)) | bytes;
}

// The leaf of `address`, mapped now if it was not; NULL = no memory, or an address beyond
// MS_ADDRESS_BITS.
char *ms_shadow_leaf_slow(uintptr_t address);

// Sizes of huge blocks.
bool ms_shadow_put_aside(uintptr_t address, uint64_t bytes); // false = table full
uint64_t ms_shadow_take_aside(uintptr_t address);

MS_HOT char *ms_shadow_leaf(uintptr_t address) {
    return ms_shadow_leaves[address >> MS_LEAF_BITS & (MS_LEAF_COUNT - 1)];
}

// Records a block; false = it could not be.
MS_HOT bool ms_shadow_put(const void *block, const struct memscope_cell_record *cell,
                          uint64_t bytes) {
    uintptr_t address = (uintptr_t)block;
    char *leaf = ms_shadow_leaf(address);
    if (MS_UNLIKELY(!leaf) && !(leaf = ms_shadow_leaf_slow(address)))
        return false;
    if (MS_UNLIKELY(bytes >= MS_SIZE_ASIDE)) {
        if (!ms_shadow_put_aside(address, bytes))
            return false;
        bytes = MS_SIZE_ASIDE;
    }
    ms_store(ms_shadow_at(leaf, address), ms_shadow_record(ms_shared.units, cell, bytes));
    return true;
}

// Takes a block's record away; 0 = it has none. A size that is aside stays there until
// ms_shadow_size.
MS_HOT uint64_t ms_shadow_take(const void *block) {
    uintptr_t address = (uintptr_t)block;
    char *leaf = ms_shadow_leaf(address);
    if (MS_UNLIKELY(!leaf))
        return 0;
    uint64_t *place = ms_shadow_at(leaf, address);
    uint64_t record = ms_load(place);
    ms_store(place, 0u);
    return record;
}

MS_HOT uint64_t ms_shadow_size(const void *block, uint64_t record) {
    uint32_t bytes = (uint32_t)record;
    return MS_UNLIKELY(bytes == MS_SIZE_ASIDE) ? ms_shadow_take_aside((uintptr_t)block) : bytes;
}

// Puts a record that was taken back (a realloc that failed).
MS_HOT void ms_shadow_put_back(const void *block, uint64_t record) {
    if (record != 0)
        ms_store(ms_shadow_at(ms_shadow_leaf((uintptr_t)block), (uintptr_t)block), record);
}

#endif
