// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fast path of an allocation while samples are taken: of a block that is not one, outside of
// tasks. Part of count.c. No lock, no system call, no allocation, errno untouched.

#ifndef MS_COUNT_SAMPLED_H
#define MS_COUNT_SAMPLED_H

#include "count_guard.h"

#include "collect/sampler.h"
#include "collect/thread.h"

// Flags are MS_SPECIAL_SAMPLED. Not inlined, so that its last calls are jumps.
MS_NOINLINE static void *note_unless_sampled(void *block, size_t bytes, struct memscope_site *site,
                                             const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    struct ms_sampler *sampler = &tls->thread->sampler;
    int64_t left = sampler->left - (int64_t)memscope_sample_bytes(bytes);
    struct memscope_cell_record *cell = sampler->unsampled;
    uint64_t record = sampler->unsampled_record | bytes;
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    if (MS_UNLIKELY(left < 0 || !cell || !leaf || bytes >= MS_SIZE_ASIDE ||
                    (!ms_single_threaded() && ms_strategy_is_outdated(tls))))
        return ms_note_allocation_slow(block, bytes, site, frame);
    task_guard_take(tls);
    sampler->left = left;
    ms_store(ms_shadow_at(leaf, (uintptr_t)block), record);
    tls->last_block = block;
    if (MS_UNLIKELY(ms_strategy_allocate(tls, cell, bytes)))
        return ms_note_publish_flagged(block);
    task_guard_release(tls);
    return block;
}

#endif
