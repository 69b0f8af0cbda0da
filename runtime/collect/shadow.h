// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a block's address to its record: eight bytes for every 32 bytes of heap, found by two loads.
//
//   address  [ leaf index | granule in leaf | 5 bits ]
//   ms_shadow_leaves[leaf index] ─▶ biased start of a leaf of 2^21 + 1 records (16 MiB for 64 MiB)
//   record   [ cell ref : 32 | requested bytes : 32 ]    0 = not ours
//
// The index is that of the byte before the block: NULL thereby falls into the last leaf, which
// never is mapped, and needs no test of its own.
//
// Two blocks never share a granule: glibc's start at least 32 bytes apart, of other allocators at
// least 32 bytes are asked (ms_real.least_bytes). Leaves are mapped when first needed, so that
// nothing large is reserved under `ulimit -v`, and never given back. Requests of 64 MiB and
// more stand in a side table. A block belongs to one thread at a time: its record is
// written before the program has its address and taken before the allocator has it back.
//
// Large blocks, of 1 KiB and more, would touch a page of records each few KiB. Theirs stand in a
// table behind the leaf's others, 16 bytes for every KiB, in which no two of them share a place.
// Where a block has a record among the others, that is looked at first (while samples are taken,
// large ones have, too).

#ifndef MS_SHADOW_H
#define MS_SHADOW_H

#include "cell.h"

enum {
    MS_GRANULE_BITS = 5,
    MS_LEAF_BITS = 26,
    MS_LARGE_BITS = 10,
    MS_LARGE_LEAST = 1 << MS_LARGE_BITS,
};
#define MS_LEAF_COUNT (1ull << (MS_ADDRESS_BITS - MS_LEAF_BITS))
#define MS_SIZE_ASIDE (1u << MS_RECORD_SIZE_BITS)
#define MS_ASIDE_SLOTS 16384u

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

// Of a large block: found by the byte before it, as leaves are.
struct ms_shadow_large {
    uint64_t record; // 0 = empty
    uintptr_t block;
};
enum { MS_LARGE_PER_LEAF = 1 << (MS_LEAF_BITS - MS_LARGE_BITS) };
// A leaf: its records, a page that begins with the last of them, large blocks.
#define MS_LEAF_BYTES (8ull << (MS_LEAF_BITS - MS_GRANULE_BITS))
#define MS_LEAF_BEHIND_BYTES 4096

MS_HOT char *ms_shadow_start(char *leaf, uintptr_t address) {
    return (char *)ms_shadow_at(leaf, (address - 1) & -((uintptr_t)1 << MS_LEAF_BITS));
}

MS_HOT struct ms_shadow_large *ms_shadow_large_of(char *leaf, uintptr_t address) {
    void *table = ms_shadow_start(leaf, address) + MS_LEAF_BYTES + MS_LEAF_BEHIND_BYTES;
    return (struct ms_shadow_large *)table + ((address - 1) >> MS_LARGE_BITS) % MS_LARGE_PER_LEAF;
}

// A large block's place in its leaf, for a record that is about to be stored there.
MS_HOT uint64_t *ms_shadow_at_large(char *leaf, uintptr_t address) {
    struct ms_shadow_large *large = ms_shadow_large_of(leaf, address);
    ms_store(&large->block, address);
    return &large->record;
}

// Takes a large block's record away; 0 = it has none.
MS_HOT uint64_t ms_shadow_take_large(char *leaf, uintptr_t address) {
    struct ms_shadow_large *large = ms_shadow_large_of(leaf, address);
    uint64_t record = ms_load(&large->record);
    if (record == 0 || ms_load(&large->block) != address)
        return 0;
    ms_store(&large->record, 0u);
    return record;
}

MS_HOT uint64_t *ms_shadow_place(char *leaf, const void *block, uint64_t bytes) {
    if (MS_UNLIKELY(bytes >= MS_LARGE_LEAST))
        return ms_shadow_at_large(leaf, (uintptr_t)block);
    return ms_shadow_at(leaf, (uintptr_t)block);
}

// The leaf of `address`, mapped now if it was not; NULL = no memory, or an address beyond
// MS_ADDRESS_BITS.
char *ms_shadow_leaf_slow(uintptr_t address);

// Huge blocks: their cell and size stand in a side table. Returns the record that leads there,
// below every record of a cell; 0 = table full. Each block has a place of its own, so that one
// whose address was given to another thread before its free was counted is not taken for it.
uint64_t ms_shadow_put_aside(uintptr_t address, uint32_t ref, uint64_t bytes);
void ms_shadow_take_aside(uint64_t record, uint32_t *ref_out, uint64_t *bytes_out);

MS_HOT char *ms_shadow_leaf(uintptr_t address) {
    return ms_load(&ms_shadow_leaves[(address - 1) >> MS_LEAF_BITS & (MS_LEAF_COUNT - 1)]);
}

// Where the heap grows, the shadow's pages are asked for in stretches: a page fault of its own for
// each costs about three times as much (docs/decisions.md). Large blocks have no part in it.
enum { MS_STRETCH_BITS = 18 };
extern MS_INTERNAL uintptr_t ms_shadow_stretch; // the heap's that was asked for last
MS_COLD void ms_shadow_populate(uintptr_t block);

// At a new peak: does the heap grow there, perhaps?
MS_HOT bool ms_shadow_is_growing(const void *block, uint64_t bytes) {
    return (uintptr_t)block >> MS_STRETCH_BITS != ms_load(&ms_shadow_stretch) &&
           bytes < MS_LARGE_LEAST;
}

// Records a block; false = it could not be.
MS_HOT bool ms_shadow_put(const void *block, const struct memscope_cell_record *cell,
                          uint64_t bytes) {
    uintptr_t address = (uintptr_t)block;
    char *leaf = ms_shadow_leaf(address);
    if (MS_UNLIKELY(!leaf) && !(leaf = ms_shadow_leaf_slow(address)))
        return false;
    uint64_t record = ms_shadow_record(ms_shared.units, cell, bytes);
    if (MS_UNLIKELY(bytes >= MS_SIZE_ASIDE) &&
        !(record = ms_shadow_put_aside(address, ms_cell_ref(cell), bytes)))
        return false;
    ms_store(ms_shadow_place(leaf, block, bytes), record);
    return true;
}

// A block's record among the leaf's, and where it stands; 0 = it has none there.
MS_HOT uint64_t ms_shadow_look(const void *block, uint64_t **place_out) {
    char *leaf = ms_shadow_leaf((uintptr_t)block);
    *place_out = NULL;
    if (MS_UNLIKELY(!leaf))
        return 0;
    *place_out = ms_shadow_at(leaf, (uintptr_t)block);
    return ms_load(*place_out);
}

// The record of a block that begins in the same 32 bytes as `address`; 0 = none does.
MS_HOT uint64_t ms_shadow_peek(uintptr_t address) {
    char *leaf = address && address >> MS_ADDRESS_BITS == 0 ? ms_shadow_leaf(address) : NULL;
    uint64_t record = leaf ? ms_load(ms_shadow_at(leaf, address)) : 0;
    if (record != 0 || !leaf)
        return record;
    const struct ms_shadow_large *large = ms_shadow_large_of(leaf, address);
    bool is_here = ms_load(&large->block) >> MS_GRANULE_BITS == address >> MS_GRANULE_BITS;
    return is_here ? ms_load(&large->record) : 0;
}

// Takes a block's record away; 0 = it has none. What is aside stays there until ms_shadow_read.
MS_HOT uint64_t ms_shadow_take(const void *block) {
    uintptr_t address = (uintptr_t)block;
    char *leaf = ms_shadow_leaf(address);
    if (MS_UNLIKELY(!leaf))
        return 0;
    uint64_t *place = ms_shadow_at(leaf, address);
    uint64_t record = ms_load(place);
    if (MS_UNLIKELY(record == 0)) // a store would touch the page
        return ms_shadow_take_large(leaf, address);
    ms_store(place, 0u);
    return record;
}

// What a record that was taken says.
static inline void ms_shadow_read(uint64_t record, uint32_t *ref_out, uint64_t *bytes_out) {
    *ref_out = (uint32_t)(record >> 32);
    *bytes_out = (uint32_t)record;
    if (record - 1 < MS_ASIDE_SLOTS)
        ms_shadow_take_aside(record, ref_out, bytes_out);
}

// Puts a record that was taken back (a realloc that failed).
MS_HOT void ms_shadow_put_back(const void *block, uint64_t record) {
    uint64_t bytes = record - 1 < MS_ASIDE_SLOTS ? MS_SIZE_ASIDE : (uint32_t)record;
    if (record != 0)
        ms_store(ms_shadow_place(ms_shadow_leaf((uintptr_t)block), block, bytes), record);
}

#endif
