// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See ids.h. Open addressing; the table is never more than half full.

#include "ids.h"

#include <profile/grow.h>

#include <stdlib.h>
#include <string.h>

static size_t begin_of(const struct ms_ids *ids, uint32_t id) {
    return id ? ids->ends[id - 1] : 0;
}

static uint64_t hash(const unsigned char *key, size_t length) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ key[i]) * UINT64_C(0x100000001B3);
    return hash ^ hash >> 32;
}

static bool grow_slots(struct ms_ids *ids) {
    size_t count = ids->slot_count ? 2 * ids->slot_count : 256;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t id = 0; id < ids->count; id++) {
        size_t begin = begin_of(ids, id);
        size_t at = hash(ids->keys + begin, ids->ends[id] - begin) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = id + 1;
    }
    free(ids->slots);
    ids->slots = slots;
    ids->slot_count = count;
    return true;
}

static bool grow_keys(struct ms_ids *ids, size_t length) {
    size_t used = begin_of(ids, ids->count);
    size_t *ends = ms_grown(ids->ends, &ids->capacity, ids->count, sizeof *ends);
    if (!ends)
        return false;
    ids->ends = ends;
    if (ids->key_capacity - used < length) {
        size_t capacity = 2 * (used + length);
        unsigned char *keys = realloc(ids->keys, capacity);
        if (!keys)
            return false;
        ids->keys = keys;
        ids->key_capacity = capacity;
    }
    return true;
}

uint32_t ms_id_of(struct ms_ids *ids, const void *key, size_t length, bool *is_new_out) {
    *is_new_out = false;
    if (2 * (size_t)ids->count >= ids->slot_count && !grow_slots(ids))
        return MS_NO_ID;
    size_t at = hash(key, length) & (ids->slot_count - 1);
    for (; ids->slots[at]; at = (at + 1) & (ids->slot_count - 1)) {
        uint32_t id = ids->slots[at] - 1;
        size_t begin = begin_of(ids, id);
        if (ids->ends[id] - begin == length &&
            (length == 0 || memcmp(ids->keys + begin, key, length) == 0))
            return id;
    }
    if (!grow_keys(ids, length))
        return MS_NO_ID;
    size_t begin = begin_of(ids, ids->count);
    if (length > 0)
        memcpy(ids->keys + begin, key, length);
    ids->ends[ids->count] = begin + length;
    ids->slots[at] = ++ids->count;
    *is_new_out = true;
    return ids->count - 1;
}

void ms_ids_release(struct ms_ids *ids) {
    free(ids->keys);
    free(ids->ends);
    free(ids->slots);
    *ids = (struct ms_ids){0};
}
