// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "cell.h"

#include "store/arena.h"

void ms_cell_allocate_atomic(struct memscope_cell_record *cell, uint64_t bytes) {
    uint64_t epoch = ms_epoch();
    uint64_t seen = ms_load(&cell->epoch);
    uint64_t before = ms_add(&cell->bytes, bytes);
    if (seen != epoch && ms_swap_if(&cell->epoch, &seen, epoch))
        ms_store(&cell->at_peak_bytes, before - ms_load(&cell->freed_bytes));
    uint64_t one = 1ull << MEMSCOPE_COUNTDOWN_SHIFT;
    if ((int64_t)(ms_add(&cell->count_word, -one) - one) < 0) // no round is that many threads long
        ms_add(&cell->count_word, MEMSCOPE_COUNT_ROUND);
    int64_t headroom = ms_add(&cell->headroom_bytes, -(int64_t)bytes) - (int64_t)bytes, room;
    while ((room = headroom + (int64_t)ms_load(&cell->remote_freed_bytes)) < 0 &&
           !ms_swap_if(&cell->headroom_bytes, &headroom, headroom - room))
        ;
}

// As likely of one length as of any other, so that of cells that come to less than a round one
// event in so many ends it as well: of neighbouring cells spread evenly (Knuth, TAOCP 3, 6.4).
static uint64_t first_round(uint32_t ref) {
    return memscope_count_begin(ref * 0x9e3779b97f4a7c15u >> (64 - MEMSCOPE_ROUND_BITS));
}

static struct memscope_cell_record *take(uint32_t site_ref, uint32_t thread_ref, uint8_t flags,
                                         size_t bytes, bool may_grow, uint32_t *ref_out) {
    struct memscope_cell_record *cell =
        ms_arena_take((uint32_t)(bytes / MEMSCOPE_UNIT_BYTES), may_grow, ref_out);
    if (cell) {
        cell->record.flags = flags;
        cell->site_ref = site_ref;
        cell->thread_ref = thread_ref;
        cell->count_word = flags & MEMSCOPE_CELL_UNSAMPLED ? 0 : first_round(*ref_out);
    }
    return cell;
}

struct memscope_cell_record *ms_cell_new(uint32_t site_ref, uint32_t thread_ref, uint8_t flags,
                                         bool may_grow, uint32_t *ref_out) {
    struct memscope_cell_record *cell =
        take(site_ref, thread_ref, flags, sizeof(struct memscope_cell_record), may_grow, ref_out);
    if (cell)
        ms_arena_publish(cell, MEMSCOPE_RECORD_CELL);
    return cell;
}

struct memscope_cell_record *ms_cell_new_sampled(uint32_t site_ref, uint32_t thread_ref,
                                                 uint8_t flags,
                                                 const struct memscope_cell_sample *sample) {
    uint32_t ref;
    size_t bytes = sizeof(struct memscope_cell_record) + sizeof *sample;
    struct memscope_cell_record *cell =
        take(site_ref, thread_ref, flags | MEMSCOPE_CELL_SAMPLED, bytes, true, &ref);
    if (cell) {
        *ms_cell_sample(cell) = *sample;
        ms_arena_publish(cell, MEMSCOPE_RECORD_CELL);
    }
    return cell;
}
