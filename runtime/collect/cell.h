// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counting one event into one cell (memscope_cell_record). "Own" changes are made by the one thread
// the cell belongs to, plainly; "remote" ones by any thread, atomically. Both keep the cell's part
// of the process's peak: whoever changes a cell first after a new peak saves what was alive.

#ifndef MS_CELL_H
#define MS_CELL_H

#include "base/shared.h"

#include <memscope/profile_sampling.h>

MS_HOT uint64_t ms_epoch(void) {
    return ms_load(&ms_shared.header->peak_epoch);
}

// `epoch`: the peak's now, or ms_shared.fast_epoch. Here and below, what is seldom run loads by
// itself: else the usual path would keep it at hand.
MS_HOT void ms_cell_keep_peak(struct memscope_cell_record *cell, uint64_t epoch) {
    if (MS_LIKELY(cell->epoch == epoch))
        return;
    uint64_t now = ms_epoch();
    if (MS_LIKELY(cell->epoch != now)) {
        cell->at_peak_bytes = ms_load(&cell->bytes) - ms_load(&cell->freed_bytes);
        cell->epoch = now;
    }
}

// A high-water mark is kept by how far it is above what is held, so that one subtraction tells
// whether there is a new one: where it leaves less than nothing. These raise it then. `is_shared`:
// other threads may free.
MS_HOT void ms_cell_raise_peak(struct memscope_cell_record *cell, bool is_shared) {
    int64_t room = ms_load(&cell->headroom_bytes);
    if (is_shared)
        room += (int64_t)ms_load(&cell->remote_freed_bytes);
    if (room < 0)
        ms_store(&cell->headroom_bytes, ms_load(&cell->headroom_bytes) - room);
}

MS_HOT void ms_site_raise_peak(struct memscope_site_peak_record *site, bool is_shared) {
    int64_t room = ms_load(&site->headroom_bytes);
    if (is_shared)
        room += (int64_t)ms_load(&site->remote_freed_bytes);
    if (room >= 0)
        return;
    ms_store(&site->headroom_bytes, ms_load(&site->headroom_bytes) - room);
    site->peak_bytes -= (uint64_t)room;
}

MS_HOT struct memscope_site_peak_record *ms_site_peak_of(const struct memscope_cell_record *cell) {
    return (void *)(uintptr_t)cell->site_peak; // NOLINT(performance-no-int-to-ptr)
}

// One allocation more. True: the countdown of memscope_cell_allocations has ended, and the caller
// begins a new round.
MS_HOT bool ms_cell_count(struct memscope_cell_record *cell) {
    return ms_drop_upper(&cell->count_word, 1u << (MEMSCOPE_COUNTDOWN_SHIFT - 32));
}

MS_HOT void ms_cell_begin_round(struct memscope_cell_record *cell) {
    ms_raise(&cell->count_word, MEMSCOPE_COUNT_ROUND);
}

// Is this the cell's first event of a round?
static inline bool ms_cell_has_begun_round(const struct memscope_cell_record *cell) {
    return ms_load(&cell->count_word) >> MEMSCOPE_COUNTDOWN_SHIFT ==
           (1u << MEMSCOPE_ROUND_BITS) - 1;
}

// After ms_cell_keep_peak: all but the count. `is_shared`: other threads may free.
MS_HOT void ms_cell_hold(struct memscope_cell_record *cell, uint64_t bytes, bool is_shared) {
    ms_raise(&cell->bytes, bytes);
    if (MS_UNLIKELY(ms_drop(&cell->headroom_bytes, bytes)))
        ms_cell_raise_peak(ms_same(cell), is_shared);
    if (MS_UNLIKELY(!ms_is_set(&cell->site_peak)))
        return;
    struct memscope_site_peak_record *site = ms_site_peak_of(cell);
    if (MS_UNLIKELY(ms_drop(&site->headroom_bytes, bytes)))
        ms_site_raise_peak(ms_same(site), is_shared);
}

MS_HOT void ms_cell_allocate(struct memscope_cell_record *cell, uint64_t bytes, bool is_shared) {
    if (MS_UNLIKELY(ms_cell_count(cell)))
        ms_cell_begin_round(cell);
    ms_cell_hold(cell, bytes, is_shared);
}

// The same of a cell MEMSCOPE_CELL_UNSAMPLED.
MS_HOT void ms_cell_allocate_unsampled(struct memscope_cell_record *cell, uint64_t bytes) {
    ms_raise(&cell->count_word, 1);
    ms_raise(&cell->bytes, bytes);
}

// After ms_cell_keep_peak.
MS_HOT void ms_cell_free(struct memscope_cell_record *cell, uint64_t bytes) {
    ms_raise(&cell->frees, 1);
    ms_raise(&cell->freed_bytes, bytes);
    ms_raise_signed(&cell->headroom_bytes, bytes);
    if (MS_UNLIKELY(!ms_is_set(&cell->site_peak)))
        return;
    ms_raise_signed(&ms_site_peak_of(cell)->headroom_bytes, bytes);
}

// Frees by other threads. The first one after a new peak saves what had been freed before it; of
// several at the same moment one wins, so the saved value can be off by their blocks.
MS_HOT void ms_cell_free_remote(struct memscope_cell_record *cell, uint64_t bytes) {
    uint64_t epoch = ms_epoch();
    uint64_t seen = ms_load(&cell->remote_epoch);
    uint64_t before = ms_add(&cell->remote_freed_bytes, bytes);
    if (seen != epoch && ms_swap_if(&cell->remote_epoch, &seen, epoch))
        ms_store(&cell->remote_at_peak_bytes, before);
    ms_add(&cell->remote_frees, 1u);
    struct memscope_site_peak_record *site = ms_site_peak_of(cell);
    if (site)
        ms_add(&site->remote_freed_bytes, bytes);
}

// Into a cell of the kind MEMSCOPE_CELL_ATOMIC, by any thread.
void ms_cell_allocate_atomic(struct memscope_cell_record *cell, uint64_t bytes);

// A new cell of `thread_ref` for `site_ref`; NULL = no room.
struct memscope_cell_record *ms_cell_new(uint32_t site_ref, uint32_t thread_ref, uint8_t flags,
                                         bool may_grow, uint32_t *ref_out);
// The same of blocks that are sampled alike.
struct memscope_cell_record *ms_cell_new_sampled(uint32_t site_ref, uint32_t thread_ref,
                                                 uint8_t flags,
                                                 const struct memscope_cell_sample *sample);
MS_HOT struct memscope_cell_sample *ms_cell_sample(struct memscope_cell_record *cell) {
    return (struct memscope_cell_sample *)(cell + 1);
}

MS_HOT uint32_t ms_cell_ref(const struct memscope_cell_record *cell) {
    return (uint32_t)(((uintptr_t)cell - (uintptr_t)ms_shared.units) / MEMSCOPE_UNIT_BYTES);
}

#endif
