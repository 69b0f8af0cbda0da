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

// What is to be looked at, another strategy than GlobalDirect, a new peak.
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

MS_HOT void ms_unsampled_free(struct ms_tls *tls, struct memscope_cell_record *cell, uint64_t bytes,
                              const void *block, uint64_t epoch) {
    ms_cell_keep_peak(cell, epoch);
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
                                      uint64_t *place, int64_t left) {
    struct ms_sampler *sampler = &tls->thread->sampler;
    ms_sampled_guard_take(tls);
    sampler->left = left;
    ms_store(place, sampler->unsampled_record | bytes);
    tls->last_block = block;
    ms_unsampled_allocate(sampler->unsampled, bytes, ms_epoch());
    if (MS_UNLIKELY(ms_thread_local_charge(tls, bytes)))
        return ms_note_sampled_publish(block);
    ms_sampled_guard_release(tls);
    return block;
}

MS_HOT void ms_free_sampled_threaded(struct ms_tls *tls, void *block, uint64_t *place,
                                     uint64_t record, ms_free_function *real) {
    ms_sampled_guard_take(tls);
    ms_store(place, (uint64_t)0);
    ms_unsampled_free(tls, tls->thread->sampler.unsampled, (uint32_t)record, block, ms_epoch());
    if (MS_UNLIKELY(ms_thread_local_discharge(tls, (uint32_t)record)))
        block = ms_note_sampled_publish(block);
    ms_sampled_guard_release(tls);
    real(block);
}

// `frame` is that of the hook, of which the block's stack is known where it is sampled. The cell's
// part of the process's peak needs no look: here a block of some bytes is a new peak, or a free
// came since the last one, which has kept it (or ms_sampled_settle, where that was of another
// cell).
MS_HOT void *ms_note_sampled(struct ms_tls *tls, void *block, size_t bytes,
                             struct memscope_site *site, const uintptr_t *frame) {
    struct ms_sampler *sampler = &tls->thread->sampler;
    int64_t left = sampler->left - (int64_t)ms_sample_reach(bytes);
    if (MS_UNLIKELY(left < 0))
        return ms_note_sampled_otherwise(block, bytes, site, frame);
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    if (MS_UNLIKELY(!leaf))
        return ms_note_sampled_otherwise(block, bytes, site, frame);
    uint64_t *place = ms_shadow_at(leaf, (uintptr_t)block);
    struct memscope_cell_record *cell = sampler->unsampled;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); // ms_settle of count.h
    uint64_t record = ms_peek(&ms_shared.direct_unsampled);
    if (MS_UNLIKELY(record == 0)) {
        if (MS_UNLIKELY(ms_sampled_is_outdated(tls)))
            return ms_note_sampled_otherwise(block, bytes, site, frame);
        return ms_note_sampled_threaded(tls, block, bytes, place, left);
    }
    if (!MS_BUMPS_AT_ONCE) // as in count.h
        ms_sampled_guard_take(tls);
    sampler->left = left;
    ms_store(place, record | bytes);
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
    uint64_t *place = ms_shadow_at(leaf, (uintptr_t)block);
    struct memscope_cell_record *cell = tls->thread->sampler.unsampled;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    uint64_t record = ms_load(place), ref = record >> 32;
    // Of no record, and of one that leads aside, the upper half is 0.
    if (MS_UNLIKELY(ref == 0)) {
        ms_free_sampled_otherwise(block, real);
        return;
    }
    if (MS_UNLIKELY(ref != ms_peek(&ms_shared.direct_unsampled_ref))) {
        if (ref == tls->thread->sampler.unsampled_record >> 32 && !ms_sampled_is_outdated(tls))
            ms_free_sampled_threaded(tls, block, place, record, real);
        else
            ms_free_sampled_otherwise(block, real);
        return;
    }
    if (!MS_BUMPS_AT_ONCE)
        ms_sampled_guard_take(tls);
    ms_store(place, (uint64_t)0);
    ms_unsampled_free(tls, cell, (uint32_t)record, block, ms_peek(&ms_shared.fast_epoch));
    if (!MS_BUMPS_AT_ONCE)
        ms_sampled_guard_release(tls);
    real(block);
}

// Before anything else that the thread does, under the guard.
MS_HOT void ms_sampled_settle(const struct ms_tls *tls) {
    if ((tls->special & MS_SPECIAL_SAMPLES) && ms_single_threaded())
        ms_cell_keep_peak(tls->thread->sampler.unsampled, ms_peek(&ms_shared.fast_epoch));
}

#endif
