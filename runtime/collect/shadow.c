// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "shadow.h"

#include "granule_words.h"

char *ms_shadow_leaves[MS_LEAF_COUNT];

static const size_t all_bytes =
    MS_LEAF_BYTES + MS_LEAF_BEHIND_BYTES + MS_LARGE_PER_LEAF * sizeof(struct ms_shadow_large);

// Small heaps pay for the pages they touch; from here on a leaf is worth huge pages.
static const uint64_t large_heap = 48ull << 20;

char *ms_shadow_leaf_slow(uintptr_t address) {
    uintptr_t index = (address - 1) >> MS_LEAF_BITS;
    if (index >= MS_LEAF_COUNT - 1) // the last one is NULL's
        return NULL;
    char *leaf = ms_acquire(&ms_shadow_leaves[index]);
    if (leaf)
        return leaf;
    const size_t huge_page = 2u << 20;
    char *mapping = ms_sys_map_anonymous(all_bytes + huge_page);
    if (!mapping)
        return NULL;
    char *start = (char *)(((uintptr_t)mapping + huge_page - 1) & ~(huge_page - 1));
    if (ms_load(&ms_shared.header->peak_live_bytes) >= large_heap)
        ms_sys_huge(start, MS_LEAF_BYTES);
    char *biased = start - (index << (MS_LEAF_BITS - MS_GRANULE_BITS) << 2);
    if (ms_swap_if(&ms_shadow_leaves[index], &leaf, biased))
        return biased;
    ms_sys_unmap(mapping, all_bytes + huge_page);
    return leaf;
}

uintptr_t ms_shadow_stretch;

// Is it worth it? Where few of a stretch's blocks are not large, few of its pages are touched.
static bool has_many_small(uintptr_t block) {
    enum { MANY = 32 };
    static uintptr_t stretch;
    static uint32_t seen;
    if (ms_load(&stretch) == block >> MS_STRETCH_BITS)
        return ms_add(&seen, 1u) + 1 >= MANY;
    ms_store(&stretch, block >> MS_STRETCH_BITS);
    ms_store(&seen, 1u);
    return false;
}

// A leaf's stretches that were asked for, a bit each, stand behind its last word.
enum { STRETCHES = 1 << (MS_LEAF_BITS - MS_STRETCH_BITS) };
_Static_assert(STRETCHES / 8 + sizeof(uint64_t) <= MS_LEAF_BEHIND_BYTES, "they fit behind it");

void ms_shadow_populate(uintptr_t block) {
    char *leaf = ms_shadow_leaf(block);
    if (!leaf || ms_load(ms_shadow_at(leaf, block)) == 0 || !has_many_small(block)) // 0: large
        return;
    ms_store(&ms_shadow_stretch, block >> MS_STRETCH_BITS);
    char *start = ms_shadow_start(leaf, block);
    void *behind = start + MS_LEAF_BYTES + sizeof(uint64_t);
    uint64_t *asked = behind;
    unsigned stretch = (unsigned)(((block - 1) >> MS_STRETCH_BITS) % STRETCHES);
    uint64_t bit = 1ull << stretch % 64;
    if (!(__atomic_fetch_or(&asked[stretch / 64], bit, __ATOMIC_RELAXED) & bit))
        ms_sys_populate(start + stretch * (MS_LEAF_BYTES / STRETCHES), MS_LEAF_BYTES / STRETCHES);
}

// Blocks of MS_SIZE_ASIDE bytes and more: few, so a fixed table, searched from a hashed start.
static struct aside {
    uint32_t taken; // atomic
    uint32_t ref;
    uint64_t bytes;
} aside[MS_ASIDE_SLOTS];

uint64_t ms_shadow_put_aside(uintptr_t address, uint32_t ref, uint64_t bytes) {
    unsigned start = (unsigned)((address >> 12) * 2654435761u);
    for (unsigned i = 0; i < MS_ASIDE_SLOTS; i++) {
        unsigned at = (start + i) % MS_ASIDE_SLOTS;
        uint32_t seen = ms_load(&aside[at].taken);
        if (seen == 0 && ms_swap_if(&aside[at].taken, &seen, 1u)) {
            aside[at].ref = ref;
            aside[at].bytes = bytes;
            return at + 1;
        }
    }
    return 0;
}

void ms_shadow_take_aside(uint64_t record, uint32_t *ref_out, uint64_t *bytes_out) {
    struct aside *slot = &aside[record - 1];
    *ref_out = slot->ref;
    *bytes_out = slot->bytes;
    ms_release(&slot->taken, 0u); // pairs with the next taker's compare-and-swap
}

// ---- whole records -----------------------------------------------------------------------------

// What a word says where the record is in `wide`.
enum { WORD_WIDE = 1 };
static uint64_t **wide;

static bool put_record(char *leaf, uintptr_t address, uint64_t bytes, uint64_t record) {
    if (bytes >= MS_LARGE_LEAST) {
        ms_store(ms_shadow_at_large(leaf, address), record);
        return true;
    }
    uint32_t word = ms_brief_of_record(record);
    if (word == 0) {
        uint64_t *place = ms_granule_word(&wide, address, true);
        if (!place)
            return false;
        ms_store(place, record);
        word = WORD_WIDE;
    }
    ms_store(ms_shadow_at(leaf, address), word);
    return true;
}

bool ms_shadow_put(const void *block, const struct memscope_cell_record *cell, uint64_t bytes) {
    uintptr_t address = (uintptr_t)block;
    char *leaf = ms_shadow_leaf(address);
    if (!leaf && !(leaf = ms_shadow_leaf_slow(address)))
        return false;
    uint64_t record = ms_record_of(cell, bytes);
    if (bytes >= MS_SIZE_ASIDE &&
        !(record = ms_shadow_put_aside(address, ms_cell_ref(cell), bytes)))
        return false;
    return put_record(leaf, address, bytes, record);
}

void ms_shadow_put_back(const void *block, uint64_t record) {
    uint64_t bytes = record - 1 < MS_ASIDE_SLOTS ? MS_SIZE_ASIDE : (uint32_t)record;
    if (record != 0) // there is room: it has been there
        (void)put_record(ms_shadow_leaf((uintptr_t)block), (uintptr_t)block, bytes, record);
}

static uint64_t take_large(char *leaf, uintptr_t address) {
    struct ms_shadow_large *large = ms_shadow_large_of(leaf, address);
    uint64_t record = ms_load(&large->record);
    if (record == 0 || ms_load(&large->block) != address)
        return 0;
    ms_store(&large->record, (uint64_t)0);
    return record;
}

uint64_t ms_shadow_take_whole(char *leaf, uintptr_t address, uint32_t *place) {
    if (ms_load(place) == 0)
        return take_large(leaf, address);
    ms_store(place, 0u);
    return ms_load(ms_granule_word(&wide, address, false));
}

uint64_t ms_shadow_peek_whole(char *leaf, uintptr_t address, uint32_t word) {
    if (word == WORD_WIDE)
        return ms_load(ms_granule_word(&wide, address, false));
    const struct ms_shadow_large *large = ms_shadow_large_of(leaf, address);
    bool is_here = ms_load(&large->block) >> MS_GRANULE_BITS == address >> MS_GRANULE_BITS;
    return is_here ? ms_load(&large->record) : 0;
}
