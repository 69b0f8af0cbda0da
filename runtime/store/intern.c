// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Levels of growing tables: level n has 1024 << 2n slots and is added when level n - 1 is half
// full. Nothing moves, so readers need no protection from writers.

#include "intern.h"

#include "base/shared.h"

enum { LEVELS = 10, FIRST_SLOTS = 1024, PROBES = 16 };

struct slot {
    uint64_t hash; // 0 = empty; taken by compare-and-swap
    uint32_t ref;  // 0 until the taker has stored it (release)
};

static struct level {
    struct slot *slots;
    uint32_t used;
} levels[LEVELS];

static uint64_t slot_count(unsigned level) {
    return (uint64_t)FIRST_SLOTS << (2 * level);
}

uint64_t ms_hash(uint64_t hash, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

// FNV's last bytes reach few bits above the lowest: multiplied once more, so that names that differ
// in their last letter do not crowd one place (Fibonacci hashing, Knuth, TAOCP 3, 6.4).
static uint64_t place_of(uint64_t hash, uint64_t probe, unsigned level) {
    return ((hash * 0x9e3779b97f4a7c15u >> 32) + probe) & (slot_count(level) - 1);
}

uint32_t ms_intern_find(uint64_t hash, bool (*same)(uint32_t ref, const void *what),
                        const void *what) {
    hash |= 1;
    for (unsigned level = 0; level < LEVELS; level++) {
        struct slot *slots = ms_acquire(&levels[level].slots);
        if (!slots)
            return 0;
        for (uint64_t probe = 0; probe < PROBES; probe++) {
            struct slot *slot = &slots[place_of(hash, probe, level)];
            if (ms_acquire(&slot->hash) != hash)
                continue;
            uint32_t ref = ms_acquire(&slot->ref);
            if (ref != 0 && same(ref, what))
                return ref;
        }
    }
    return 0;
}

static struct slot *level_slots(unsigned level) {
    struct slot *slots = ms_acquire(&levels[level].slots);
    if (slots)
        return slots;
    size_t bytes = slot_count(level) * sizeof(struct slot);
    struct slot *fresh = ms_sys_map_anonymous(bytes);
    if (!fresh)
        return NULL;
    if (ms_swap_if(&levels[level].slots, &slots, fresh))
        return fresh;
    ms_sys_unmap(fresh, bytes);
    return slots;
}

void ms_intern_add(uint64_t hash, uint32_t ref) {
    hash |= 1;
    for (unsigned level = 0; level < LEVELS; level++) {
        struct slot *slots = level_slots(level);
        if (!slots)
            return;
        if (ms_load(&levels[level].used) >= slot_count(level) / 2)
            continue;
        for (uint64_t probe = 0; probe < PROBES; probe++) {
            struct slot *slot = &slots[place_of(hash, probe, level)];
            uint64_t empty = 0;
            if (ms_load(&slot->hash) == 0 && ms_swap_if(&slot->hash, &empty, hash)) {
                ms_add(&levels[level].used, 1u);
                ms_release(&slot->ref, ref);
                return;
            }
        }
    }
}

void ms_intern_clear(void) {
    for (unsigned level = 0; level < LEVELS && levels[level].slots; level++) {
        ms_sys_unmap(levels[level].slots, slot_count(level) * sizeof(struct slot));
        levels[level].slots = NULL;
        levels[level].used = 0;
    }
}
