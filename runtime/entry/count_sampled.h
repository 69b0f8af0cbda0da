// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// While samples are taken: a block that is none is counted in one cell of its thread's with all
// others that are none, which says what the process and the thread have in total. Nothing is looked
// up and no stack is hashed; of the cell and its site no peak is kept. Inlined into each hook for
// GlobalDirect. The calling thread's tls.special is MS_SPECIAL_SAMPLES.

#ifndef MS_COUNT_SAMPLED_H
#define MS_COUNT_SAMPLED_H

#include "collect/thread.h"
#include "strategy/strategy.h"

#include <memscope/abi.h>

typedef void ms_free_function(void *);

// What is to be looked at (its reach is taken from the distance already), another strategy than
// GlobalDirect, a new peak.
MS_NOINLINE void *ms_note_sampled_otherwise(void *block, size_t bytes, struct memscope_site *site,
                                            const uintptr_t *frame);
// The block is not counted in its cell yet, the guard not taken.
MS_NOINLINE void *ms_note_sampled_peak(void *block, size_t bytes,
                                       struct memscope_cell_record *cell);
// These return `block`, and release the guard.
MS_NOINLINE void *ms_note_sampled_publish(void *block);
// Its record is not taken yet.
MS_NOINLINE void ms_free_while_sampling(void *block, ms_free_function *real);
MS_NOINLINE void ms_free_sampled_otherwise(void *block, ms_free_function *real);

// The guard is taken and released as in count.h.
MS_HOT void ms_sampled_guard_take(struct ms_tls *tls) {
    ms_store_stack_pointer(&tls->special);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

MS_HOT void ms_sampled_guard_release(struct ms_tls *tls) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    ms_store(&tls->special, MS_SPECIAL_SAMPLES);
}

MS_HOT void ms_unsampled_allocate(struct memscope_cell_record *cell, uint64_t bytes,
                                  uint64_t epoch) {
    ms_cell_keep_peak(cell, epoch);
    ms_cell_allocate_unsampled(cell, bytes);
}

// After ms_cell_keep_peak, but for GlobalDirect.
MS_HOT void ms_unsampled_free(struct ms_tls *tls, struct memscope_cell_record *cell, uint64_t bytes,
                              const void *block) {
    ms_raise(&cell->frees, 1);
    ms_raise(&cell->freed_bytes, bytes);
    ms_raise_signed(&tls->credit, bytes);
    if (MS_UNLIKELY(block == tls->last_block))
        ms_raise(&cell->temporary, 1);
}

// A fork child, or a thread that still counts as under GlobalDirect.
MS_HOT bool ms_sampled_is_outdated(const struct ms_tls *tls) {
    return ms_load(&ms_shared.alive) == 0 || ms_strategy_is_outdated(tls);
}

// The same under ThreadLocal.
MS_HOT void *ms_note_sampled_threaded(struct ms_tls *tls, void *block, size_t bytes,
                                      uint32_t *place) {
    const struct ms_sampler *sampler = &tls->thread->sampler;
    ms_sampled_guard_take(tls);
    ms_store(place, sampler->unsampled_brief | (uint32_t)bytes);
    tls->last_block = block;
    ms_unsampled_allocate(sampler->unsampled, bytes, ms_epoch());
    if (MS_UNLIKELY(ms_thread_local_charge(tls, bytes)))
        return ms_note_sampled_publish(block);
    ms_sampled_guard_release(tls);
    return block;
}

MS_HOT void ms_free_sampled_threaded(struct ms_tls *tls, void *block, uint32_t *place,
                                     uint32_t bytes, ms_free_function *real) {
    struct memscope_cell_record *cell = tls->thread->sampler.unsampled;
    ms_sampled_guard_take(tls);
    ms_store(place, 0u);
    ms_cell_keep_peak(cell, ms_epoch());
    ms_unsampled_free(tls, cell, bytes, block);
    if (MS_UNLIKELY(ms_thread_local_discharge(tls, bytes)))
        block = ms_note_sampled_publish(block);
    ms_sampled_guard_release(tls);
    real(block);
}

// `frame` is that of the hook, of which the block's stack is known where it is sampled. The cell's
// part of the process's peak needs no look: whoever raises that saves this cell's part at once.
MS_HOT void *ms_note_sampled(struct ms_tls *tls, void *block, size_t bytes,
                             struct memscope_site *site, const uintptr_t *frame) {
    struct ms_sampler *sampler = &tls->thread->sampler;
    if (MS_UNLIKELY(ms_drop(&sampler->left, ms_sample_reach(bytes))))
        return ms_note_sampled_otherwise(block, bytes, site, frame);
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    if (MS_UNLIKELY(!leaf || bytes >= MS_LARGE_LEAST))
        return ms_note_sampled_otherwise(block, bytes, site, frame);
    uint32_t *place = ms_shadow_at(leaf, (uintptr_t)block);
    struct memscope_cell_record *cell = sampler->unsampled;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); // ms_settle of count.h
    uint32_t brief = ms_peek(&ms_shared.direct_unsampled);
    if (MS_UNLIKELY(brief == 0)) {
        if (MS_UNLIKELY(sampler->unsampled_brief == 0 || ms_sampled_is_outdated(tls)))
            return ms_note_sampled_otherwise(block, bytes, site, frame);
        return ms_note_sampled_threaded(tls, block, bytes, place);
    }
    if (!MS_BUMPS_AT_ONCE) // as in count.h
        ms_sampled_guard_take(tls);
    ms_store(place, brief | (uint32_t)bytes);
    tls->last_block = block;
    if (MS_UNLIKELY(ms_drop(&tls->credit, bytes)))
        return ms_note_sampled_peak(block, bytes, cell);
    ms_cell_allocate_unsampled(cell, bytes);
    if (!MS_BUMPS_AT_ONCE)
        ms_sampled_guard_release(tls);
    return block;
}

MS_HOT void ms_free_sampled(struct ms_tls *tls, void *block, ms_free_function *real) {
    char *leaf = ms_shadow_leaf((uintptr_t)block);
    if (MS_UNLIKELY(!leaf)) {
        ms_free_sampled_otherwise(block, real);
        return;
    }
    uint32_t *place = ms_shadow_at(leaf, (uintptr_t)block);
    struct memscope_cell_record *cell = tls->thread->sampler.unsampled;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    uint32_t word = ms_load(place);
    // How far it is above the record of no bytes: more than a size where it is another cell's, or
    // where the gap is 0, as MS_NO_BRIEF and the words above it are none's.
    uint32_t bytes = word + ms_peek(&ms_shared.direct_unsampled_gap) - MS_NO_BRIEF;
    if (MS_UNLIKELY(bytes >= MS_BRIEF_LEAST)) {
        uint32_t own = tls->thread->sampler.unsampled_brief;
        if (own != 0 && word - own < MS_BRIEF_LEAST && !ms_sampled_is_outdated(tls))
            ms_free_sampled_threaded(tls, block, place, word - own, real);
        else
            ms_free_sampled_otherwise(block, real);
        return;
    }
    if (!MS_BUMPS_AT_ONCE)
        ms_sampled_guard_take(tls);
    ms_store(place, 0u);
    ms_unsampled_free(tls, cell, bytes, block);
    if (!MS_BUMPS_AT_ONCE)
        ms_sampled_guard_release(tls);
    real(block);
}

#endif
