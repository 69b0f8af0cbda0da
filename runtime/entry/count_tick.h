// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where an allocation goes that is not to take the usual fast path, though nothing of its thread is
// special: while samples are taken each of them, else one in MS_TICK, which is timed; and a free
// after that. Part of count.c. No lock, no allocation, errno untouched.

#ifndef MS_COUNT_TICK_H
#define MS_COUNT_TICK_H

#include "count_otherwise.h"

#include "collect/governor.h"
#include "collect/sampler.h"
#include "collect/thread.h"
#include "store/arena.h"

// The usual way of an allocation out of line, which its control takes as well: `scratch` is the
// cell of that, NULL = a block of the program's. A control has no place in the table, where it
// would take one from others, and is looked for all the same. Nothing of the thread is special.
MS_HOT void *note_counted(struct ms_tls *tls, void *block, size_t bytes, struct memscope_site *site,
                          const uintptr_t *frame, struct memscope_cell_record *scratch) {
    struct memscope_cell_record *cell;
    uint32_t brief;
    bool is_found = ms_look_up(tls, ms_fast_key(tls, ms_context_seed(site), frame), &cell, &brief);
    if (scratch) {
        cell = scratch;
        brief = tls->thread->scratch_brief;
    } else if (MS_UNLIKELY(!is_found)) {
        return ms_note_allocation_slow(block, bytes, site, frame);
    }
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    if (MS_UNLIKELY(!leaf || bytes >= MS_SIZE_ASIDE))
        return ms_note_allocation_slow(block, bytes, site, frame);
    bool is_direct = ms_peek(&ms_shared.direct_bias) != 0;
    if (MS_UNLIKELY(!is_direct && ms_strategy_is_outdated(tls)))
        return ms_note_allocation_slow(block, bytes, site, frame);
    ms_shadow_put_in(leaf, block, bytes, brief);
    if (!is_direct)
        return ms_allocate_threaded(tls, block, bytes, cell);
    if (MS_LIKELY(cell->epoch == ms_peek(&ms_shared.fast_epoch)))
        return ms_allocate_direct(tls, block, bytes, cell);
    return ms_note_allocation_unsaved(block, bytes, cell);
}

// The same while samples are taken, of a block that is none.
MS_HOT void *note_unless_sampled(struct ms_tls *tls, void *block, size_t bytes,
                                 struct memscope_site *site, const uintptr_t *frame,
                                 struct memscope_cell_record *scratch) {
    struct ms_thread *thread = tls->thread;
    struct memscope_cell_record *cell = thread->sampler.unsampled;
    uint32_t brief = thread->sampler.unsampled_brief;
    if (scratch) {
        cell = scratch;
        brief = thread->scratch_brief;
    } else if (MS_UNLIKELY(ms_drop(&thread->sampler.left, ms_sample_reach(bytes)))) {
        ms_raise_signed(&thread->sampler.left, ms_sample_reach(bytes));
        return ms_note_allocation_slow(block, bytes, site, frame);
    }
    return note_unsampled(tls, block, bytes, site, frame, cell, brief);
}

MS_NOINLINE static void *note_timed(void *block, size_t bytes, struct memscope_site *site,
                                    const uintptr_t *frame, struct memscope_cell_record *scratch) {
    struct ms_tls *tls = &ms_tls;
    if (tls->special == MS_SPECIAL_SAMPLES)
        return note_unless_sampled(tls, block, bytes, site, frame, scratch);
    return note_counted(tls, block, bytes, site, frame, scratch);
}

static void *note_usually(void *block, size_t bytes, struct memscope_site *site,
                          const uintptr_t *frame) {
    if ((ms_tls.special & ~MS_SPECIAL_SAMPLES) != 0)
        return ms_note_allocation_special(block, bytes, site, frame);
    return note_timed(block, bytes, site, frame, NULL);
}

MS_NOINLINE static bool note_free_usually(void *block, uint64_t record) {
    return ms_note_free_of(block, record);
}

// A store does not wait for its line, a load that is timed does.
static void touch_shadow(const void *block, size_t bytes) {
    char *leaf = ms_shadow_leaf((uintptr_t)block);
    if (leaf && bytes < MS_LARGE_LEAST)
        __asm__ volatile("" : : "r"(ms_load(ms_shadow_at(leaf, (uintptr_t)block))));
    else if (leaf)
        __asm__ volatile("" : : "r"(ms_load(ms_shadow_at_large(leaf, (uintptr_t)block))));
}

// ---- calibration -------------------------------------------------------------------------------

enum { WARMING_ROUNDS = 16, HOT_ROUNDS = 64, LOOP_TRIES = 4, CALIBRATIONS = 4, LONGEST_WAIT = 32 };

// A cell that nobody reads; NULL = cannot be.
static struct memscope_cell_record *scratch_of(struct ms_tls *tls) {
    uint32_t ref;
    struct memscope_cell_record *cell = tls->thread->scratch;
    if (!cell && (cell = ms_arena_take(sizeof *cell / MEMSCOPE_UNIT_BYTES, true, &ref)) != NULL) {
        cell->thread_ref = tls->record_ref;
        ms_arena_publish(cell, MEMSCOPE_RECORD_SCRATCH);
        tls->thread->scratch_brief = ms_brief_of(cell);
        tls->thread->scratch = cell;
    }
    if (!cell || tls->thread->scratch_brief == 0)
        return NULL;
    cell->count_word = memscope_count_begin(MS_TICK - 1); // calibration ends no round
    return cell;
}

// A block of no bytes in the scratch cell: of it nothing is left but what the caller restores.
static void note_scratch(void *block, const uintptr_t *frame) {
    (void)note_timed(block, 0, NULL, frame, ms_tls.thread->scratch);
}

// About as long as malloc itself, and as many instructions at a time.
MS_NOINLINE static uint64_t other_code(uint64_t seed) {
    uint64_t a = seed, b = seed + 1, c = seed + 2, d = seed + 3;
    for (int i = 0; i < 8; i++) {
        a ^= a << 13;
        b ^= b << 13;
        c ^= c << 13;
        d ^= d << 13;
        a ^= a >> 7;
        b ^= b >> 7;
        c ^= c >> 7;
        d ^= d >> 7;
    }
    return a ^ b ^ c ^ d;
}

static uint64_t loop_cycles(void *block, const uintptr_t *frame, bool hooks, bool others) {
    uint64_t seed = 1, began = 0;
    for (int i = 0; i < WARMING_ROUNDS + HOT_ROUNDS; i++) {
        if (i == WARMING_ROUNDS)
            began = ms_cycles();
        if (others)
            seed ^= other_code(seed);
        if (hooks)
            note_scratch(block, frame);
        if (others)
            seed ^= other_code(seed);
        if (hooks)
            (void)note_free_usually(block, ms_shadow_take(block));
    }
    uint64_t cycles = ms_cycles() - began;
    __asm__ volatile("" : : "r"(seed));
    return cycles;
}

// Of a few tries the shortest: the others were interrupted.
static uint64_t shortest_loop_256(void *block, const uintptr_t *frame, bool hooks, bool others) {
    uint64_t shortest = UINT64_MAX;
    for (int i = 0; i < LOOP_TRIES; i++) {
        uint64_t cycles = loop_cycles(block, frame, hooks, others);
        shortest = cycles < shortest ? cycles : shortest;
    }
    return shortest * 256 / HOT_ROUNDS;
}

static void measure_hot_pair(struct ms_overhead *overhead, void *block, const uintptr_t *frame) {
    uint64_t alone = shortest_loop_256(block, frame, true, false);
    uint64_t others = shortest_loop_256(block, frame, false, true);
    uint64_t both = shortest_loop_256(block, frame, true, true);
    ms_overhead_calibrate(overhead, alone, both > others ? both - others : alone);
}

// The address of a scratch block, which lies in our own memory, and the cell for it; NULL = cannot
// be.
static void *prepare_scratch(struct ms_tls *tls) {
    if (!ms_slow_begin(tls))
        return NULL;
    // Another one each time: the shadow's line may lie where it slows accesses to the cell's.
    enum { APART = 2048 };
    void *block = (char *)ms_head_of(tls) + tls->thread->overhead.calibrated % CALIBRATIONS * APART;
    struct memscope_cell_record *scratch = scratch_of(tls);
    bool is_there = scratch && ms_shadow_put(block, scratch, 0);
    ms_slow_end(tls);
    return is_there ? block : NULL;
}

// What an allocation of the scratch cell takes here and now, timed as the one that comes after it;
// 0 = cannot be.
static uint64_t control_allocation(struct ms_tls *tls, const uintptr_t *frame) {
    struct ms_overhead *overhead = &tls->thread->overhead;
    uint32_t wanted = tls->thread->sampler.level_number * 2 + !ms_single_threaded();
    void *block = (tls->special & ~MS_SPECIAL_SAMPLES) == 0 ? prepare_scratch(tls) : NULL;
    if (!block)
        return 0;
    void *last_block = tls->last_block;
    if (overhead->calibration != wanted)
        ms_overhead_recalibrate(overhead, wanted);
    if (overhead->calibrated < CALIBRATIONS)
        measure_hot_pair(overhead, block, frame);
    uint64_t began = 0, cycles = 0;
    for (int i = 0; i < 2; i++) { // the first one warms
        began = ms_cycles_in_order();
        touch_shadow(block, 0);
        note_scratch(block, frame);
        cycles = ms_cycles_in_order() - began;
        (void)note_free_usually(block, ms_shadow_take(block));
    }
    if (tls->last_block == block) // else a signal handler's
        tls->last_block = last_block;
    return cycles;
}

static uint64_t control_free(struct ms_tls *tls) {
    struct memscope_cell_record *scratch = tls->thread->scratch;
    void *block = ms_head_of(tls);
    uint64_t began = 0, cycles = 0;
    if (!scratch || (tls->special & ~MS_SPECIAL_SAMPLES) != 0)
        return 0;
    for (int i = 0; i < 2; i++) { // the first one warms
        if (!ms_shadow_put(block, scratch, 0))
            return 0;
        began = ms_cycles_in_order();
        (void)note_free_usually(block, ms_shadow_take(block));
        cycles = ms_cycles_in_order() - began;
    }
    return cycles;
}

// ---- timing ------------------------------------------------------------------------------------

static void *timed_allocation(struct ms_tls *tls, void *block, size_t bytes,
                              struct memscope_site *site, const uintptr_t *frame) {
    struct ms_overhead *overhead = &tls->thread->overhead;
    uint64_t control = control_allocation(tls, frame), slow_events = overhead->slow_events;
    uint64_t began = ms_cycles_in_order();
    touch_shadow(block, bytes);
    block = note_usually(block, bytes, site, frame);
    uint64_t cycles = ms_cycles_in_order() - began;
    // One that took the slow path was timed there, and so were others like it.
    if (overhead->slow_events == slow_events)
        ms_overhead_add(overhead, MS_TIMED_ALLOCATION, cycles, control);
    else
        ms_overhead_add_none(overhead, MS_TIMED_ALLOCATION);
    overhead->waited = 0;
    tls->special |= MS_SPECIAL_TIMED;
    return block;
}

static void timed_free(struct ms_tls *tls, void *block, ms_free_function *real) {
    tls->special &= ~MS_SPECIAL_TIMED;
    uint64_t control = control_free(tls);
    uint64_t began = ms_cycles_in_order();
    bool is_the_allocators = note_free_usually(block, ms_shadow_take(block));
    uint64_t cycles = ms_cycles_in_order() - began;
    ms_overhead_add(&tls->thread->overhead, MS_TIMED_FREE, cycles, control);
    if (is_the_allocators)
        real(block);
}

// Waits for a free that is to be timed; not for long, where none comes.
static void *note_before_timed_free(void *block, size_t bytes, struct memscope_site *site,
                                    const uintptr_t *frame) {
    ms_tls.special &= ~MS_SPECIAL_TIMED;
    block = note_usually(block, bytes, site, frame);
    if (ms_tls.thread->overhead.waited++ < LONGEST_WAIT)
        ms_tls.special |= MS_SPECIAL_TIMED;
    return block;
}

void *ms_note_allocation_tick(void *block, size_t bytes, struct memscope_site *site,
                              const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    if (MS_UNLIKELY(ms_load(&ms_shared.alive) == 0)) // a fork child, whose table is wiped
        return ms_note_allocation_slow(block, bytes, site, frame);
    if (!block || tls->thread->sampler.is_on) // from there on by count_sampled.h
        return ms_note_allocation_slow(block, bytes, site, frame);
    tls->special &= ~MS_SPECIAL_TICK;
    ms_head_of(tls)->until_tick = MS_TICK - 1;
    struct ms_overhead *overhead = &tls->thread->overhead;
    overhead->untimed += MS_TICK;
    if (!ms_overhead_times(overhead, ms_governor_has_budget()))
        return note_usually(block, bytes, site, frame);
    overhead->stands_for = overhead->untimed;
    overhead->untimed = 0;
    block = timed_allocation(tls, block, bytes, site, frame);
    ms_governor_tick();
    return block;
}

// The distance to a look has ended: it is sampled, perhaps. The one after it is timed, if enough
// came since one was: which one that is has nothing to do with its size.
static void *look_at(struct ms_tls *tls, void *block, size_t bytes, struct memscope_site *site,
                     const uintptr_t *frame) {
    struct ms_sampler *sampler = &tls->thread->sampler;
    block = ms_note_allocation_slow(block, bytes, site, frame);
    const struct memscope_cell_record *cell = sampler->unsampled;
    sampler->is_due = cell && cell->count_word - sampler->timed_blocks >= MS_SAMPLED_TICK / 2;
    if (sampler->is_due) {
        sampler->rest += sampler->left;
        sampler->left = 0;
    }
    return block;
}

static void *time_sampled(struct ms_tls *tls, void *block, size_t bytes, struct memscope_site *site,
                          const uintptr_t *frame) {
    struct ms_sampler *sampler = &tls->thread->sampler;
    const struct memscope_cell_record *cell = sampler->unsampled;
    uint64_t blocks = cell->count_word - sampler->timed_blocks;
    if (MS_UNLIKELY(blocks == 0)) // a signal handler just came this way
        blocks = 1;
    uint64_t reach =
        ms_sample_reach((cell->bytes - sampler->timed_bytes) / blocks) * MS_SAMPLED_TICK;
    sampler->timed_blocks = cell->count_word;
    sampler->timed_bytes = cell->bytes;
    sampler->is_due = false;
    ms_sampler_stretch(sampler, reach < MS_LEAST_STRETCH     ? MS_LEAST_STRETCH
                                : reach > MS_LARGEST_STRETCH ? MS_LARGEST_STRETCH
                                                             : (int64_t)reach);
    tls->thread->overhead.stands_for = blocks;
    block = timed_allocation(tls, block, bytes, site, frame);
    ms_governor_tick();
    return block;
}

void *ms_note_sampled_otherwise(void *block, size_t bytes, struct memscope_site *site,
                                const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    struct ms_sampler *sampler = &tls->thread->sampler;
    if (MS_UNLIKELY(!block)) // of a request that failed the reach may be any number
        ms_raise_signed(&sampler->left, ms_sample_reach(bytes));
    if (MS_UNLIKELY(!block || ms_load(&ms_shared.alive) == 0)) // a fork child
        return ms_note_allocation_slow(block, bytes, site, frame);
    if (MS_LIKELY(ms_load(&sampler->left) >= 0))
        return note_unsampled(tls, block, bytes, site, frame, sampler->unsampled,
                              sampler->unsampled_brief);
    ms_raise_signed(&sampler->left, ms_sample_reach(bytes));
    return sampler->is_due ? time_sampled(tls, block, bytes, site, frame)
                           : look_at(tls, block, bytes, site, frame);
}

#endif
