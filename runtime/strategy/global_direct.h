// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GlobalDirect: one thread, one buffer, no remote free. The process's peak is exact.

#ifndef MS_GLOBAL_DIRECT_H
#define MS_GLOBAL_DIRECT_H

#include "strategy.h"

// The thread's credit is spent: a new peak, of the latest session, and of the process as well
// unless that was higher before. True: then publish.
static inline bool ms_global_direct_raise(struct ms_tls *tls, uint64_t bytes) {
    struct memscope_profile_header *header = ms_shared.header;
    int64_t credit = ms_load(&tls->credit);
    if (MS_UNLIKELY(credit >= 0)) // a signal handler was faster
        return false;
    ms_store(&header->latest_peak, header->latest_peak - (uint64_t)credit);
    ms_store(&tls->credit, (int64_t)0);
    uint64_t peak = header->latest_peak & MEMSCOPE_LATEST_PEAK_BYTES;
    if (peak > header->peak_live_bytes) {
        uint64_t epoch = header->peak_epoch + 1;
        ms_store(&header->peak_live_bytes, peak);
        ms_store(&header->peak_epoch, epoch);
        if (MS_LIKELY(ms_load(&ms_shared.direct_bias) != 0))
            ms_store(&ms_shared.fast_epoch, epoch);
    }
    return ms_shadow_is_growing(tls->last_block, bytes);
}

// `bytes` more are alive: a new peak of the process, perhaps. True: then publish.
MS_HOT bool ms_global_direct_charge(struct ms_tls *tls, uint64_t bytes) {
    if (MS_LIKELY(!ms_drop(&tls->credit, bytes)))
        return false;
    return ms_global_direct_raise(tls, bytes);
}

MS_HOT bool ms_global_direct_allocate(struct ms_tls *tls, struct memscope_cell_record *cell,
                                      uint64_t bytes) {
    ms_cell_keep_peak(cell, ms_epoch());
    ms_cell_allocate(cell, bytes, false);
    return ms_global_direct_charge(tls, bytes);
}

// After ms_cell_keep_peak.
MS_HOT void ms_global_direct_free(struct ms_tls *tls, struct memscope_cell_record *cell,
                                  uint64_t bytes, const void *block) {
    ms_cell_free(cell, bytes);
    ms_raise_signed(&tls->credit, bytes);
    if (MS_UNLIKELY(block == tls->last_block))
        ms_raise(&cell->temporary, 1);
}

void ms_global_direct_attach(void);
void ms_global_direct_publish(void);
uint64_t ms_global_direct_begin_peak(void); // of ms_strategy_begin_peak

#endif
