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

void *ms_note_sampled_publish(void *block) {
    publish_timed(&ms_tls);
    ms_sampled_guard_release(&ms_tls);
    return block;
}

void *ms_note_sampled_peak(void *block, size_t bytes, struct memscope_cell_record *cell) {
    struct ms_tls *tls = &ms_tls;
    ms_sampled_guard_take(tls);
    ms_cell_allocate_unsampled(cell, bytes);
    if (ms_global_direct_raise(tls, bytes))
        publish_timed(tls);
    ms_sampled_guard_release(tls);
    return block;
}

// Into a cell of the thread's own that keeps no peaks, under either strategy.
MS_HOT void *note_unsampled(struct ms_tls *tls, void *block, size_t bytes,
                            struct memscope_site *site, const uintptr_t *frame,
                            struct memscope_cell_record *cell, uint32_t brief) {
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    ms_settle();
    bool is_direct = ms_peek(&ms_shared.direct_bias) != 0;
    if (MS_UNLIKELY(!leaf || bytes >= MS_SIZE_ASIDE || brief == 0 ||
                    (!is_direct && ms_strategy_is_outdated(tls))))
        return ms_note_allocation_slow(block, bytes, site, frame);
    ms_sampled_guard_take(tls);
    ms_shadow_put_in(leaf, block, bytes, brief);
    tls->last_block = block;
    ms_unsampled_allocate(cell, bytes, ms_epoch());
    if (MS_UNLIKELY(is_direct ? ms_global_direct_charge(tls, bytes)
                              : ms_thread_local_charge(tls, bytes)))
        publish_timed(tls);
    ms_sampled_guard_release(tls);
    return block;
}

// False: nothing was done, the block is in another cell.
MS_HOT bool free_unsampled(struct ms_tls *tls, void *block, uint64_t record) {
    const struct ms_thread *thread = tls->thread;
    struct memscope_cell_record *cell = thread->sampler.unsampled;
    uint32_t ref = (uint32_t)(record >> 32);
    if (MS_UNLIKELY(!cell || ref != ms_cell_ref(cell))) {
        cell = thread->scratch;
        if (!cell || ref != ms_cell_ref(cell))
            return false;
    }
    ms_settle();
    bool is_direct = ms_peek(&ms_shared.direct_bias) != 0;
    if (MS_UNLIKELY(!is_direct && (ms_load(&ms_shared.alive) == 0 || ms_strategy_is_outdated(tls))))
        return false;
    ms_sampled_guard_take(tls);
    ms_cell_keep_peak(cell, ms_epoch());
    ms_unsampled_free(tls, cell, (uint32_t)record, block);
    if (!is_direct && MS_UNLIKELY(ms_thread_local_discharge(tls, (uint32_t)record)))
        publish_timed(tls);
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
