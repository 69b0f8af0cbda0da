// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "shadow.h"

char *ms_shadow_leaves[MS_LEAF_COUNT];

static const size_t leaf_bytes = 8ull << (MS_LEAF_BITS - MS_GRANULE_BITS);

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
    char *mapping = ms_sys_map_anonymous(leaf_bytes + huge_page);
    if (!mapping)
        return NULL;
    char *start = (char *)(((uintptr_t)mapping + huge_page - 1) & ~(huge_page - 1));
    if (ms_load(&ms_shared.header->peak_live_bytes) >= large_heap)
        ms_sys_huge(start, leaf_bytes);
    // Rounding up has left room for the last record: the block at the next leaf's first address.
    char *biased = start - (index << (MS_LEAF_BITS - MS_GRANULE_BITS) << 3);
    if (ms_swap_if(&ms_shadow_leaves[index], &leaf, biased))
        return biased;
    ms_sys_unmap(mapping, leaf_bytes + huge_page);
    return leaf;
}

uintptr_t ms_shadow_stretch;

// A leaf's stretches that were asked for, a bit each, stand behind its last record.
enum { STRETCHES = 1 << (MS_LEAF_BITS - MS_STRETCH_BITS) };
_Static_assert(STRETCHES / 8 + sizeof(uint64_t) <= 4096, "rounding up has left a page");

void ms_shadow_populate(uintptr_t block) {
    ms_store(&ms_shadow_stretch, block >> MS_STRETCH_BITS);
    char *leaf = ms_shadow_leaf(block);
    if (!leaf)
        return;
    uintptr_t first = (block - 1) & -((uintptr_t)1 << MS_LEAF_BITS);
    char *start = (char *)ms_shadow_at(leaf, first);
    void *behind = start + leaf_bytes + sizeof(uint64_t);
    uint64_t *asked = behind;
    unsigned stretch = (unsigned)((block - 1 - first) >> MS_STRETCH_BITS);
    uint64_t bit = 1ull << stretch % 64;
    if (!(__atomic_fetch_or(&asked[stretch / 64], bit, __ATOMIC_RELAXED) & bit))
        ms_sys_populate(start + stretch * (leaf_bytes / STRETCHES), leaf_bytes / STRETCHES);
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
