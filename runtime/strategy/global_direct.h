// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GlobalDirect: one thread, one buffer, no remote free. The process's peak is exact.

#ifndef MS_GLOBAL_DIRECT_H
#define MS_GLOBAL_DIRECT_H

#include "strategy.h"

// `bytes` more are alive: a new peak of the process, perhaps. True: then publish.
MS_HOT bool ms_global_direct_charge(struct ms_tls *tls, uint64_t bytes) {
    tls->credit -= (int64_t)bytes;
    if (MS_UNLIKELY(tls->credit < 0)) {
        // Of the latest session; of the process as well, unless that was higher before.
        struct memscope_profile_header *header = ms_shared.header;
        ms_store(&header->latest_peak, header->latest_peak - (uint64_t)ms_load(&tls->credit));
        ms_store(&tls->credit, (int64_t)0);
        uint64_t peak = header->latest_peak & MEMSCOPE_LATEST_PEAK_BYTES;
        if (peak > header->peak_live_bytes) {
            ms_store(&header->peak_live_bytes, peak);
            ms_store(&header->peak_epoch, ++ms_shared.direct_epoch);
        }
        return ms_shadow_is_growing(tls->last_block, bytes);
    }
    return false;
}

MS_HOT bool ms_global_direct_allocate(struct ms_tls *tls, struct memscope_cell_record *cell,
                                      uint64_t bytes) {
    ms_cell_allocate(cell, bytes, false, ms_shared.direct_epoch);
    return ms_global_direct_charge(tls, bytes);
}

MS_HOT void ms_global_direct_free(struct ms_tls *tls, struct memscope_cell_record *cell,
                                  uint64_t bytes, const void *block) {
    ms_cell_free(cell, bytes, ms_shared.direct_epoch);
    tls->credit += (int64_t)bytes;
    if (block == tls->last_block)
        cell->temporary++;
}

void ms_global_direct_attach(void);
void ms_global_direct_publish(void);
uint64_t ms_global_direct_begin_peak(void); // of ms_strategy_begin_peak

#endif
