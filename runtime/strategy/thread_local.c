// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "strategy.h"

#include "collect/thread.h"

// A new total: a new peak if it is one, with the composition of this moment (peak_epoch).
static void raise_peak(int64_t live) {
    struct memscope_profile_header *header = ms_shared.header;
    uint64_t peak = ms_load(&header->peak_live_bytes);
    while (live > (int64_t)peak) {
        if (!ms_swap_if(&header->peak_live_bytes, &peak, (uint64_t)live))
            continue;
        ms_add(&header->peak_epoch, 1u);
        ms_store(&header->peak_ns, ms_sys_clock_monotonic_ns());
        return;
    }
}

// What the first thread counted under GlobalDirect and has not converted yet (it does at its next
// event): read from outside, off by the event it may be in.
static int64_t unconverted_bytes(void) {
    const struct ms_tls *tls = ms_acquire(&ms_shared.unconverted);
    if (!tls || tls == &ms_tls)
        return 0;
    return (int64_t)ms_shared.upgrade_peak_bytes - ms_load(&tls->credit);
}

void ms_thread_local_publish(void) {
    int64_t unpublished = MS_CREDIT - ms_tls.credit;
    ms_tls.credit = MS_CREDIT;
    int64_t live = ms_add(&ms_shared.header->published_live_bytes, unpublished) + unpublished;
    // The other threads may each have freed MS_CREDIT bytes that they did not publish.
    int64_t others = (int64_t)ms_load(&ms_shared.header->threads_now) - 1;
    raise_peak(live + unconverted_bytes() - others * MS_CREDIT);
}

void ms_thread_local_attach(void) {
    ms_tls.credit = MS_CREDIT;
}

// Its live bytes are summed from its cells: exact, whatever another thread did meanwhile.
void ms_thread_local_convert(void) {
    const struct ms_thread *thread = ms_tls.thread;
    int64_t live = 0;
    for (uint64_t i = 0; i < thread->slot_count; i++) {
        const struct memscope_cell_record *cell = thread->slots[i].cell;
        if (cell)
            live += (int64_t)(cell->bytes - cell->freed_bytes);
    }
    ms_tls.record->live_bytes = live;
    ms_tls.record->peak_bytes = ms_shared.upgrade_peak_bytes;
    ms_add(&ms_shared.header->published_live_bytes, live);
    ms_tls.credit = MS_CREDIT;
    ms_release(&ms_shared.unconverted, NULL);
}
