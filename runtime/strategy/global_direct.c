// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "strategy.h"

#include "collect/thread.h"

uint64_t ms_global_direct_begin_peak(void) {
    struct memscope_profile_header *header = ms_shared.header;
    uint64_t before = header->latest_peak;
    uint64_t live = (before & MEMSCOPE_LATEST_PEAK_BYTES) - (uint64_t)ms_tls.credit;
    uint64_t session = (before >> MEMSCOPE_LATEST_PEAK_BITS) + 1;
    ms_store(&header->latest_peak, session << MEMSCOPE_LATEST_PEAK_BITS | live);
    ms_tls.credit = 0;
    return before & MEMSCOPE_LATEST_PEAK_BYTES;
}

void ms_global_direct_save_unsampled(const struct ms_tls *tls) {
    struct memscope_cell_record *cell = tls->thread->sampler.unsampled;
    if (cell)
        ms_cell_keep_peak(cell, ms_epoch());
}

void ms_global_direct_attach(void) {
    ms_tls.credit = 0; // nothing is alive, the peak is zero
    ms_shared.unconverted = &ms_tls;
}

// Its totals are the process's at every event: there is but the shadow to make ready.
void ms_global_direct_publish(void) {
    ms_shadow_populate((uintptr_t)ms_tls.last_block);
}
