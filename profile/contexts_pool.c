// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The distinct frames of all contexts. A million stacks have few of them, so a stack is a list of
// their numbers.

#include "contexts_parts.h"

#include <stdlib.h>

bool ms_same_stack_frame(const struct ms_stack_frame *a, const struct ms_stack_frame *b) {
    bool has_names = a->function || a->file;
    return a->kind == b->kind && a->inlined == b->inlined && a->function == b->function &&
           a->file == b->file && a->line == b->line && a->column == b->column &&
           a->module == b->module && (has_names || a->module_offset == b->module_offset);
}

static uint64_t hash_names(const struct ms_stack_frame *frame) {
    uint64_t hash = ms_mix((uintptr_t)frame->function, (uint64_t)frame->line << 32 | frame->column);
    return frame->function || frame->file ? hash : ms_mix(hash, frame->module_offset);
}

static size_t slot_of(const struct ms_frame_pool *pool, const uint32_t *slots, size_t slot_count,
                      const struct ms_stack_frame *frame, uint64_t hash) {
    size_t at = ms_mix(hash, frame->module_offset) & (slot_count - 1);
    for (; slots[at]; at = (at + 1) & (slot_count - 1)) {
        const struct ms_stack_frame *other = &pool->frames[slots[at] - 1];
        if (other->module_offset == frame->module_offset && ms_same_stack_frame(other, frame))
            break;
    }
    return at;
}

static bool grow_slots(struct ms_frame_pool *pool) {
    size_t slot_count = pool->slot_count ? 2 * pool->slot_count : 1024;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < pool->count; i++)
        slots[slot_of(pool, slots, slot_count, &pool->frames[i], pool->hashes[i])] = i + 1;
    free(pool->slots);
    pool->slots = slots;
    pool->slot_count = slot_count;
    return true;
}

static bool grow_frames(struct ms_frame_pool *pool) {
    uint32_t capacity = pool->capacity ? 2 * pool->capacity : 512;
    struct ms_stack_frame *frames = realloc(pool->frames, capacity * sizeof *frames);
    if (frames)
        pool->frames = frames;
    uint64_t *hashes = realloc(pool->hashes, capacity * sizeof *hashes);
    if (hashes)
        pool->hashes = hashes;
    if (!frames || !hashes)
        return false;
    pool->capacity = capacity;
    return true;
}

uint32_t ms_frame_pool_number(struct ms_frame_pool *pool, const struct ms_stack_frame *frame) {
    if (2 * (size_t)pool->count >= pool->slot_count && !grow_slots(pool))
        return MS_NO_NUMBER;
    uint64_t hash = hash_names(frame);
    size_t at = slot_of(pool, pool->slots, pool->slot_count, frame, hash);
    if (pool->slots[at])
        return pool->slots[at] - 1;
    if (pool->count == pool->capacity && !grow_frames(pool))
        return MS_NO_NUMBER;
    pool->frames[pool->count] = *frame;
    pool->hashes[pool->count] = hash;
    pool->slots[at] = ++pool->count;
    return pool->count - 1;
}

void ms_frame_pool_release(struct ms_frame_pool *pool) {
    free(pool->frames);
    free(pool->hashes);
    free(pool->slots);
}
