// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a block's address to its record: four bytes for every 32 bytes of heap, found by two loads.
//
//   address  [ leaf index | granule in leaf | 5 bits ]
//   ms_shadow_leaves[leaf index] ─▶ biased start of a leaf of 2^21 + 1 words (8 MiB for 64 MiB)
//   word     a brief record [ cell ref : 22 | requested bytes : 10 ]; 0 = not ours, or large
//   record   [ cell ref : 32 | requested bytes : 32 ]; 0 = not ours
//
// The index is that of the byte before the block: NULL thereby falls into the last leaf, which
// never is mapped, and needs no test of its own.
//
// Two blocks never share a granule: glibc's start at least 32 bytes apart, of other allocators at
// least 32 bytes are asked (ms_real.least_bytes). Leaves are mapped when first needed, so that
// nothing large is reserved under `ulimit -v`, and never given back. A block belongs to one thread
// at a time: its record is written before the program has its address and taken before the
// allocator has it back.
//
// Where a brief record does not do:
// - Large blocks, of 1 KiB and more, have whole records in a table behind the leaf's words, 16
//   bytes for every KiB, in which no two of them share a place. A word is looked at first.
// - A cell whose ref has more than 22 bits (in a profile beyond 256 MiB, or a child of many forks):
//   its blocks' records stand in a table of 8 bytes for each granule, mapped when first needed, and
//   the word says so. Keys of such cells are never found by the fast path (thread.c).
// - Requests of 64 MiB and more stand in a side table.

#ifndef MS_SHADOW_H
#define MS_SHADOW_H

#include "cell.h"

enum {
    MS_GRANULE_BITS = 5,
    MS_LEAF_BITS = 26,
    MS_LARGE_BITS = MS_BRIEF_BITS,
    MS_LARGE_LEAST = 1 << MS_LARGE_BITS,
};
#define MS_LEAF_COUNT (1ull << (MS_ADDRESS_BITS - MS_LEAF_BITS))
#define MS_SIZE_ASIDE (1u << 26)
#define MS_ASIDE_SLOTS 16384u

// Biased: the word of address a is at leaf + (a >> 5) * 4.
extern MS_INTERNAL char *ms_shadow_leaves[MS_LEAF_COUNT];

MS_HOT uint32_t *ms_shadow_at(char *leaf, uintptr_t address) {
    return (uint32_t *)(leaf + (address >> MS_GRANULE_BITS << 2));
}

MS_HOT uintptr_t ms_shadow_granule(const void *block) {
    return (uintptr_t)block >> MS_GRANULE_BITS;
}

// The same as ms_shadow_at, for one load or store, which adds the two by itself. A compiler that
// saw two of these alike would keep their sum.
MS_HOT uint32_t *ms_shadow_at_once(char *leaf, uintptr_t *granule) {
    __asm__("" : "+r"(*granule));
    return (uint32_t *)(leaf + (*granule << 2));
}

MS_HOT uint64_t ms_record_of(const struct memscope_cell_record *cell, uint64_t bytes) {
    return (uint64_t)ms_cell_ref(cell) << 32 | bytes;
}

// The brief record of a block of no bytes in the cell; 0 = there is none.
MS_HOT uint32_t ms_brief_of(const struct memscope_cell_record *cell) {
    return ms_brief_of_record(ms_record_of(cell, 0));
}

// Of a large block: found by the byte before it, as leaves are.
struct ms_shadow_large {
    uint64_t record; // 0 = empty
    uintptr_t block;
};
enum { MS_LARGE_PER_LEAF = 1 << (MS_LEAF_BITS - MS_LARGE_BITS) };
// A leaf: its words, a page that begins with the last of them, large blocks.
#define MS_LEAF_BYTES (4ull << (MS_LEAF_BITS - MS_GRANULE_BITS))
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
enum { MS_STRETCH_BITS = 19 };
extern MS_INTERNAL uintptr_t ms_shadow_stretch; // the heap's that was asked for last
MS_COLD void ms_shadow_populate(uintptr_t block);

// At a new peak: does the heap grow there, perhaps?
MS_HOT bool ms_shadow_is_growing(const void *block, uint64_t bytes) {
    return (uintptr_t)block >> MS_STRETCH_BITS != ms_load(&ms_shadow_stretch) &&
           bytes < MS_LARGE_LEAST;
}

// Records a block; false = it could not be.
bool ms_shadow_put(const void *block, const struct memscope_cell_record *cell, uint64_t bytes);

// Records a block of less than MS_SIZE_ASIDE bytes, of a cell with a brief record.
MS_HOT void ms_shadow_put_in(char *leaf, const void *block, uint64_t bytes, uint32_t brief) {
    if (MS_LIKELY(bytes < MS_LARGE_LEAST))
        ms_store(ms_shadow_at(leaf, (uintptr_t)block), brief | (uint32_t)bytes);
    else
        ms_store(ms_shadow_at_large(leaf, (uintptr_t)block),
                 (uint64_t)(brief >> MS_BRIEF_BITS) << 32 | bytes);
}

MS_HOT void ms_shadow_store_brief(char *leaf, const void *block, uint32_t brief) {
    uintptr_t granule = ms_shadow_granule(block);
    ms_store(ms_shadow_at_once(leaf, &granule), brief);
}

// A block's word in its leaf; 0 = it has none. `leaf` may be NULL.
MS_HOT uint32_t ms_shadow_look(char *leaf, uintptr_t *granule) {
    return MS_LIKELY(leaf) ? ms_load(ms_shadow_at_once(leaf, granule)) : 0;
}

// The record of a block that begins in the same 32 bytes as `address`; 0 = none does.
uint64_t ms_shadow_peek_whole(char *leaf, uintptr_t address, uint32_t word);
MS_HOT uint64_t ms_shadow_peek(uintptr_t address) {
    char *leaf = address && address >> MS_ADDRESS_BITS == 0 ? ms_shadow_leaf(address) : NULL;
    if (!leaf)
        return 0;
    uint32_t word = ms_load(ms_shadow_at(leaf, address));
    if (MS_LIKELY(word >= MS_BRIEF_LEAST))
        return ms_brief_record(word);
    return ms_shadow_peek_whole(leaf, address, word);
}

// Takes a record away that is not brief; 0 = the block has none.
uint64_t ms_shadow_take_whole(char *leaf, uintptr_t address, uint32_t *place);

// Takes a block's record away; 0 = it has none. What is in the side table stays there until
// ms_shadow_read.
MS_HOT uint64_t ms_shadow_take(const void *block) {
    uintptr_t address = (uintptr_t)block;
    char *leaf = ms_shadow_leaf(address);
    if (MS_UNLIKELY(!leaf))
        return 0;
    uint32_t *place = ms_shadow_at(leaf, address), word = ms_load(place);
    if (MS_UNLIKELY(word < MS_BRIEF_LEAST)) // a store would touch the page
        return ms_shadow_take_whole(leaf, address, place);
    ms_store(place, 0u);
    return ms_brief_record(word);
}

// What a record that was taken says.
static inline void ms_shadow_read(uint64_t record, uint32_t *ref_out, uint64_t *bytes_out) {
    *ref_out = (uint32_t)(record >> 32);
    *bytes_out = (uint32_t)record;
    if (record - 1 < MS_ASIDE_SLOTS)
        ms_shadow_take_aside(record, ref_out, bytes_out);
}

// Puts a record that was taken back (a realloc that failed).
void ms_shadow_put_back(const void *block, uint64_t record);

#endif
