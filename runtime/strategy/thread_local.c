// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "strategy.h"

#include "collect/task_alive.h"
#include "collect/thread.h"
#include "context/context.h"

// What the first thread counted under GlobalDirect and has not converted yet (it does at its next
// event): read from outside, off by the event it may be in.
static int64_t unconverted_bytes(void) {
    const struct ms_tls *tls = ms_acquire(&ms_shared.unconverted);
    if (!tls || tls == &ms_tls)
        return 0;
    return (int64_t)ms_shared.upgrade_latest_peak_bytes - ms_load(&tls->credit);
}

// Of a published total what surely is alive: the other threads may each have freed MS_CREDIT bytes
// that they did not publish.
static int64_t surely_live(int64_t published) {
    int64_t others = (int64_t)ms_load(&ms_shared.header->threads_now) - 1;
    return published + unconverted_bytes() - others * MS_CREDIT;
}

// The latest session's peak. Where one begins meanwhile, what was alive before is not its.
static void raise_latest_peak(int64_t live) {
    struct memscope_profile_header *header = ms_shared.header;
    uint64_t seen = ms_acquire(&header->latest_peak);
    uint64_t session = seen >> MEMSCOPE_LATEST_PEAK_BITS;
    while (live > (int64_t)(seen & MEMSCOPE_LATEST_PEAK_BYTES)) {
        uint64_t wanted = session << MEMSCOPE_LATEST_PEAK_BITS | (uint64_t)live;
        if (ms_swap_if(&header->latest_peak, &seen, wanted))
            return;
        if (seen >> MEMSCOPE_LATEST_PEAK_BITS == session)
            continue;
        session = seen >> MEMSCOPE_LATEST_PEAK_BITS;
        live = surely_live(ms_load(&header->published_live_bytes));
    }
}

uint64_t ms_thread_local_begin_peak(void) {
    struct memscope_profile_header *header = ms_shared.header;
    ms_thread_local_publish();
    int64_t live = surely_live(ms_load(&header->published_live_bytes));
    uint64_t seen = ms_acquire(&header->latest_peak), wanted;
    do
        wanted = ((seen >> MEMSCOPE_LATEST_PEAK_BITS) + 1) << MEMSCOPE_LATEST_PEAK_BITS |
                 (uint64_t)(live > 0 ? live : 0);
    while (!ms_swap_if(&header->latest_peak, &seen, wanted));
    return seen & MEMSCOPE_LATEST_PEAK_BYTES;
}

// A new total: a new peak if it is one, with the composition of this moment (peak_epoch).
static void raise_peak(int64_t live) {
    struct memscope_profile_header *header = ms_shared.header;
    raise_latest_peak(live);
    uint64_t peak = ms_load(&header->peak_live_bytes);
    while (live > (int64_t)peak) {
        if (!ms_swap_if(&header->peak_live_bytes, &peak, (uint64_t)live))
            continue;
        ms_add(&header->peak_epoch, 1u);
        ms_store(&header->peak_ns, ms_sys_clock_monotonic_ns());
        return;
    }
}

void ms_thread_local_publish(void) {
    int64_t unpublished = MS_CREDIT - ms_tls.credit;
    ms_tls.credit = MS_CREDIT;
    if (unpublished > 0 && ms_shadow_is_growing(ms_tls.last_block, 0))
        ms_shadow_populate((uintptr_t)ms_tls.last_block);
    int64_t live = ms_add(&ms_shared.header->published_live_bytes, unpublished) + unpublished;
    raise_peak(surely_live(live));
}

void ms_thread_local_free_remote(struct memscope_cell_record *cell, uint64_t bytes) {
    ms_cell_free_remote(cell, bytes);
    struct memscope_thread_record *owner = ms_ref(cell->thread_ref);
    if (cell->thread_ref != 0)
        ms_add(&owner->remote_freed_bytes, bytes);
}

void ms_thread_local_attach(void) {
    ms_tls.credit = MS_CREDIT;
}

// What its cells say is exact, whatever another thread did meanwhile. They are looked for in the
// whole profile, once a process: its table has lost those of libraries that went away.
void ms_thread_local_convert(void) {
    const struct memscope_profile_header *header = ms_shared.header;
    int64_t own = 0, freed_by_others = 0;
    bool alone = ms_load(&header->threads_now) == 1;
    for (uint64_t unit = MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES;
         unit < ms_load(&header->arena_end_units);) {
        struct memscope_cell_record *cell = ms_ref(ms_shared.ref_base + (uint32_t)unit);
        bool is_record = cell->record.magic == MEMSCOPE_RECORD_MAGIC; // else it begins just now
        unit += is_record ? cell->record.units : 1;
        if (!is_record || cell->record.type != MEMSCOPE_RECORD_CELL ||
            cell->thread_ref != ms_tls.record_ref)
            continue;
        ms_cell_keep_peak(cell, ms_epoch());
        own += (int64_t)(cell->bytes - cell->freed_bytes);
        freed_by_others += (int64_t)ms_load(&cell->remote_freed_bytes);
        if (alone && cell->context_ref != 0 && cell->site_peak == 0 &&
            !(cell->record.flags & MEMSCOPE_CELL_SAMPLED))
            ms_context_begin_site_peak(cell);
    }
    ms_tls.record->live_bytes = own;
    ms_tls.record->peak_bytes = ms_shared.upgrade_peak_bytes;
    ms_add(&ms_shared.header->published_live_bytes, own - freed_by_others);
    ms_tls.credit = MS_CREDIT;
    if (ms_tls.thread->tasks)
        ms_alive_publish(ms_tls.thread->tasks);
    ms_release(&ms_shared.unconverted, NULL);
}
