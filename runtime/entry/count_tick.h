// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where an allocation goes that is not to take the usual fast path, though nothing of its thread is
// special: while samples are taken each of them, else one in MS_TICK. Part of count.c. No lock, no
// system call, no allocation, errno untouched.

#ifndef MS_COUNT_TICK_H
#define MS_COUNT_TICK_H

#include "count.h"

#include "collect/sampler.h"
#include "collect/thread.h"

// A block that is no sample is counted in one cell with all others.
MS_HOT void *note_unless_sampled(struct ms_tls *tls, void *block, size_t bytes,
                                 struct memscope_site *site, const uintptr_t *frame) {
    struct ms_sampler *sampler = &tls->thread->sampler;
    int64_t left = sampler->left - (int64_t)memscope_sample_bytes(bytes);
    struct memscope_cell_record *cell = sampler->unsampled;
    uint64_t record = sampler->unsampled_record | bytes;
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    ms_settle();
    if (MS_UNLIKELY(left < 0 || !cell || !leaf || bytes >= MS_SIZE_ASIDE))
        return ms_note_allocation_slow(block, bytes, site, frame);
    uint64_t *place = ms_shadow_at(leaf, (uintptr_t)block);
    if (MS_LIKELY(ms_peek(&ms_shared.direct_bias) != 0)) {
        sampler->left = left;
        return ms_allocate_direct(tls, block, bytes, place, cell, record);
    }
    if (MS_UNLIKELY(ms_strategy_is_outdated(tls)))
        return ms_note_allocation_slow(block, bytes, site, frame);
    sampler->left = left;
    return ms_allocate_threaded(tls, block, bytes, place, cell, record);
}

void *ms_note_allocation_tick(void *block, size_t bytes, struct memscope_site *site,
                              const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    if (MS_LIKELY(tls->thread->sampler.is_on))
        return note_unless_sampled(tls, block, bytes, site, frame);
    ms_head_of(tls)->until_tick = MS_TICK;
    return ms_note_allocation_slow(block, bytes, site, frame);
}

#endif
