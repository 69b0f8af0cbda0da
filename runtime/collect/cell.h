// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counting one event into one cell (memscope_cell_record). "Own" changes are made by the one thread
// the cell belongs to, plainly; "remote" ones by any thread, atomically. Both keep the cell's part
// of the process's peak: whoever changes a cell first after a new peak saves what was alive.

#ifndef MS_CELL_H
#define MS_CELL_H

#include "base/shared.h"

// The home of the site that is `above` ms_shared.ref_base (store/records.h); `base` is the header.
MS_HOT struct memscope_cell_record *ms_home_at(char *base, uint64_t above) {
    return (struct memscope_cell_record *)ms_record_at(base, above) - 1;
}

MS_HOT uint64_t ms_epoch(void) {
    return ms_load(&ms_shared.header->peak_epoch);
}

// `epoch`: the peak's now.
MS_HOT void ms_cell_keep_peak(struct memscope_cell_record *cell, uint64_t epoch) {
    if (MS_UNLIKELY(cell->epoch != epoch)) {
        // Loads of their own, or the usual path would keep both at hand for this one.
        cell->at_peak_bytes = ms_load(&cell->bytes) - ms_load(&cell->freed_bytes);
        cell->epoch = epoch;
    }
}

MS_HOT struct memscope_site_peak_record *ms_site_peak_of(const struct memscope_cell_record *cell) {
    return (void *)(uintptr_t)cell->site_peak; // NOLINT(performance-no-int-to-ptr)
}

// `remote_freed_bytes`: the cell's, where other threads may free.
MS_HOT void ms_cell_allocate(struct memscope_cell_record *cell, uint64_t bytes,
                             uint64_t remote_freed_bytes, uint64_t epoch) {
    ms_cell_keep_peak(cell, epoch);
    cell->allocations++;
    uint64_t total = cell->bytes += bytes;
    uint64_t live = total - cell->freed_bytes - remote_freed_bytes;
    if (live > cell->peak_bytes)
        cell->peak_bytes = live;
    struct memscope_site_peak_record *site = ms_site_peak_of(cell);
    if (MS_LIKELY(site != NULL)) {
        int64_t held = (site->live_bytes += (int64_t)bytes);
        held -= (int64_t)ms_load(&site->remote_freed_bytes);
        if (held > (int64_t)site->peak_bytes)
            site->peak_bytes = (uint64_t)held;
    }
}

MS_HOT void ms_cell_free(struct memscope_cell_record *cell, uint64_t bytes, uint64_t epoch) {
    ms_cell_keep_peak(cell, epoch);
    cell->frees++;
    cell->freed_bytes += bytes;
    struct memscope_site_peak_record *site = ms_site_peak_of(cell);
    if (MS_LIKELY(site != NULL))
        site->live_bytes -= (int64_t)bytes;
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

// A new cell of `thread_ref` for `site_ref`, not published yet; NULL = no room.
struct memscope_cell_record *ms_cell_new(uint32_t site_ref, uint32_t thread_ref, uint8_t flags,
                                         bool may_grow, uint32_t *ref_out);

MS_HOT uint32_t ms_cell_ref(const struct memscope_cell_record *cell) {
    return (uint32_t)(((uintptr_t)cell - (uintptr_t)ms_shared.units) / MEMSCOPE_UNIT_BYTES);
}

#endif
