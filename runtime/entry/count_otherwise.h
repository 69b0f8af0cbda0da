// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What count_sampled.h does not inline: the same under ThreadLocal, new peaks, and frees of what is
// in another cell. Part of count.c. No lock, no allocation, errno untouched.

#ifndef MS_COUNT_OTHERWISE_H
#define MS_COUNT_OTHERWISE_H

#include "count.h"

#include "collect/sampler.h"
#include "collect/thread.h"

// The guard is taken.
MS_COLD static void free_slow(void *block, uint64_t record, ms_free_function *real);

static void publish_sampled(struct ms_tls *tls) {
    uint64_t began = ms_cycles();
    ms_strategy_publish();
    ms_overhead_add_slow(&tls->thread->overhead, ms_cycles() - began);
}

void *ms_note_sampled_publish(void *block) {
    publish_sampled(&ms_tls);
    ms_sampled_guard_release(&ms_tls);
    return block;
}

void *ms_note_sampled_peak(void *block, size_t bytes, struct memscope_cell_record *cell) {
    struct ms_tls *tls = &ms_tls;
    ms_sampled_guard_take(tls);
    ms_cell_allocate_unsampled(cell, bytes);
    if (ms_global_direct_raise(tls, bytes))
        publish_sampled(tls);
    ms_sampled_guard_release(tls);
    return block;
}

// Into a cell of the thread's own that keeps no peaks, under either strategy. `left`: the
// sampler's, once that is done.
MS_HOT void *note_unsampled(struct ms_tls *tls, void *block, size_t bytes,
                            struct memscope_site *site, const uintptr_t *frame,
                            struct memscope_cell_record *cell, uint64_t record, int64_t left) {
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    ms_settle();
    bool is_direct = ms_peek(&ms_shared.direct_bias) != 0;
    if (MS_UNLIKELY(!leaf || bytes >= MS_SIZE_ASIDE ||
                    (!is_direct && ms_strategy_is_outdated(tls))))
        return ms_note_allocation_slow(block, bytes, site, frame);
    ms_sampled_guard_take(tls);
    tls->thread->sampler.left = left;
    ms_store(ms_shadow_at(leaf, (uintptr_t)block), record | bytes);
    tls->last_block = block;
    ms_unsampled_allocate(cell, bytes, ms_epoch());
    if (MS_UNLIKELY(is_direct ? ms_global_direct_charge(tls, bytes)
                              : ms_thread_local_charge(tls, bytes)))
        publish_sampled(tls);
    ms_sampled_guard_release(tls);
    return block;
}

// False: nothing was done, the block is in another cell.
MS_HOT bool free_unsampled(struct ms_tls *tls, void *block, uint64_t record) {
    const struct ms_thread *thread = tls->thread;
    struct memscope_cell_record *cell = thread->sampler.unsampled;
    uint64_t ref = record >> 32;
    if (MS_UNLIKELY(ref != thread->sampler.unsampled_record >> 32)) {
        cell = thread->scratch;
        if (ref != thread->scratch_record >> 32)
            return false;
    }
    ms_settle();
    bool is_direct = ms_peek(&ms_shared.direct_bias) != 0;
    if (MS_UNLIKELY(record < MS_ASIDE_SLOTS || (!is_direct && (ms_load(&ms_shared.alive) == 0 ||
                                                               ms_strategy_is_outdated(tls)))))
        return false;
    ms_sampled_guard_take(tls);
    ms_unsampled_free(tls, cell, (uint32_t)record, block, ms_epoch());
    if (!is_direct && MS_UNLIKELY(ms_thread_local_discharge(tls, (uint32_t)record)))
        publish_sampled(tls);
    ms_sampled_guard_release(tls);
    return true;
}

void ms_free_while_sampling(void *block, ms_free_function *real) {
    ms_free_sampled(&ms_tls, block, real);
}

void ms_free_sampled_otherwise(void *block, ms_free_function *real) {
    uint64_t record = ms_shadow_take(block);
    if (MS_LIKELY(free_unsampled(&ms_tls, block, record)))
        real(block);
    else
        free_slow(block, record, real);
}

#endif
