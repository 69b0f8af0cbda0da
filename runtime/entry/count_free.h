// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A free that does not take the usual fast path. Part of count.c. errno untouched.

#ifndef MS_COUNT_FREE_H
#define MS_COUNT_FREE_H

#include "count_slow.h"
#include "count_tasks.h"
#include "count_tick.h"

#include "collect/fiber.h"
#include "collect/kept_blocks.h"
#include "parting.h"
#include "real.h"
#include "start.h"

#include <errno.h>

static void free_inside_hook(struct memscope_cell_record *cell, uint64_t bytes, const void *block,
                             bool by_realloc) {
    ms_count_loss(MEMSCOPE_LOSS_reentrant_events, 1);
    ms_count_loss(MEMSCOPE_LOSS_reentrant_bytes, bytes);
    const struct ms_kept_event event = {block, cell, bytes, true, by_realloc};
    ms_kept_freed(&ms_tls, &event);
    ms_thread_local_free_remote(cell, bytes);
    ms_task_free_inside_hook(cell, block, bytes);
    publish_directly(-(int64_t)bytes);
}

static void free_in(struct ms_tls *tls, struct memscope_cell_record *cell, uint64_t bytes,
                    const void *block, bool by_realloc) {
    slow_guard_take(tls);
    catch_up(tls);
    if (!(tls->special & MS_SPECIAL_NEW) && ms_load(&ms_fibers_made) != 0) {
        if (ms_fiber_is_untold(tls, ms_stack_pointer()))
            ms_fiber_follow(tls, ms_stack_pointer());
        ms_fiber_stack_freed(tls, block);
    }
    const struct ms_kept_event event = {block, cell, bytes, false, by_realloc};
    ms_kept_freed(tls, &event);
    if (tls->special & MS_SPECIAL_NEW) {
        ms_thread_local_free_remote(cell, bytes);
        publish_directly(-(int64_t)bytes);
    } else if (ms_strategy_free(tls, cell, bytes, block)) {
        ms_strategy_publish();
    }
    slow_guard_release(tls);
}

static void count_free_slow(void *block, uint64_t record, bool inside_hook, bool by_realloc) {
    if (record == 0) {
        ms_add(&ms_shared.header->unknown_frees, 1u);
        return;
    }
    uint32_t ref;
    uint64_t bytes;
    ms_shadow_read(record, &ref, &bytes);
    if (!ms_ref_is_ours(ref))
        ms_add(&ms_shared.header->inherited_frees, 1u);
    else if (inside_hook)
        free_inside_hook(ms_ref(ref), bytes, block, by_realloc);
    else
        free_in(&ms_tls, ms_ref(ref), bytes, block, by_realloc);
}

static bool note_free_slow(void *block, uint64_t record, bool by_realloc) {
    struct ms_tls *tls = &ms_tls;
    if (!block)
        return true;
    if (ms_real_is_early(block))
        return false;
    int saved_errno = errno;
    bool counts = !(tls->special & MS_SPECIAL_OFF) && ms_alive();
    if (counts && !ms_parting_put_off(block, record, 0, true))
        count_free_slow(block, record, guarded(tls), by_realloc);
    errno = saved_errno;
    return true;
}

// Of a thread where nothing is special, under another strategy than GlobalDirect; REMOTE: the guard
// is taken.
MS_HOT enum ms_end count_free_threaded(void *block, struct memscope_cell_record *cell,
                                       uint64_t bytes) {
    struct ms_tls *tls = &ms_tls;
    if (MS_UNLIKELY(ms_strategy_is_outdated(tls)))
        return MS_END_SLOW;
    ms_guard_take(tls);
    if (MS_UNLIKELY(!ms_thread_local_owns(tls, cell)))
        return MS_END_REMOTE;
    if (MS_UNLIKELY(ms_thread_local_free_own(tls, cell, bytes, block)))
        return MS_END_PUBLISH;
    ms_guard_release(tls);
    return MS_END_COUNTED;
}

// Under GlobalDirect, whatever the cell's epoch.
MS_HOT void note_free_unsaved(void *block, uint64_t bytes, struct memscope_cell_record *cell) {
    ms_cell_keep_peak(cell, ms_peek(&ms_shared.fast_epoch));
    ms_free_direct(block, bytes, cell);
}

void ms_free_unsaved(void *block, uint64_t bytes, struct memscope_cell_record *cell,
                     ms_free_function *real) {
    note_free_unsaved(block, bytes, cell);
    real(block);
}

MS_NOINLINE static void note_free_publish(void) {
    ms_thread_local_publish();
    ms_guard_release(&ms_tls);
}

MS_NOINLINE static void note_free_remote(void *block, struct memscope_cell_record *cell,
                                         uint64_t bytes) {
    if (ms_task_local_free(&ms_tls, cell, bytes, block))
        ms_thread_local_publish();
    slow_guard_release(&ms_tls); // the last block of an ended task makes this a thread of tasks
}

// What is left to do; the block is freed by the caller (free_end frees it as well). `of_task`, a
// constant: `end` is count_free_of_task's, which tells no cell; else count_free_threaded's.
MS_HOT bool note_free_end(enum ms_end end, void *block, uint64_t record,
                          struct memscope_cell_record *cell, bool of_task) {
    switch (end) {
    case MS_END_COUNTED:
        return true;
    case MS_END_SLOW:
        return note_free_slow(block, record, true);
    case MS_END_PUBLISH:
        if (of_task)
            (void)note_task_publish(block);
        else
            note_free_publish();
        return true;
    case MS_END_REMOTE:
        if (of_task)
            note_free_across_tasks(block, record);
        else
            note_free_remote(block, cell, (uint32_t)record);
        return true;
    }
    return true;
}

static bool note_free_special(void *block, uint64_t record) {
    struct ms_tls *tls = &ms_tls;
    if (MS_UNLIKELY(tls->special & MS_SPECIAL_TIMED)) { // part of a realloc: times none
        tls->special &= ~MS_SPECIAL_TIMED;
        return ms_note_free_of(block, record);
    }
    if (tls->special == MS_SPECIAL_TICK) { // waits for an allocation
        tls->special = 0;
        bool is_the_allocators = ms_note_free_of(block, record);
        tls->special |= MS_SPECIAL_TICK;
        return is_the_allocators;
    }
    if (tls->special == MS_SPECIAL_SAMPLES && free_unsampled(tls, block, record))
        return true;
    if (tls->special != MS_SPECIAL_TASKS)
        return note_free_slow(block, record, true);
    return note_free_end(count_free_of_task(tls, block, record), block, record, NULL, true);
}

bool ms_note_free_of(void *block, uint64_t record) {
    struct memscope_cell_record *cell = NULL;
    if (MS_UNLIKELY(ms_tls.special != 0))
        return note_free_special(block, record);
    if (MS_UNLIKELY(!ms_cell_of_record(record, &cell)))
        return note_free_slow(block, record, true);
    if (MS_LIKELY(ms_peek(&ms_shared.direct_bias) != 0)) {
        note_free_unsaved(block, (uint32_t)record, cell);
        return true;
    }
    enum ms_end end = count_free_threaded(block, cell, (uint32_t)record);
    return note_free_end(end, block, record, cell, false);
}

MS_COLD static void free_slow(void *block, uint64_t record, ms_free_function *real) {
    if (note_free_slow(block, record, false))
        real(block);
}

MS_NOINLINE static void free_and_publish(void *block, ms_free_function *real) {
    (void)note_task_publish(block);
    real(block);
}

MS_NOINLINE static void free_across_tasks(void *block, uint64_t record, ms_free_function *real) {
    note_free_across_tasks(block, record);
    real(block);
}

MS_NOINLINE static void free_remote(void *block, struct memscope_cell_record *cell, uint64_t bytes,
                                    ms_free_function *real) {
    note_free_remote(block, cell, bytes);
    real(block);
}

MS_NOINLINE static void free_publish(void *block, ms_free_function *real) {
    note_free_publish();
    real(block);
}

// As note_free_end, and frees the block.
MS_HOT void free_end(enum ms_end end, void *block, uint64_t record,
                     struct memscope_cell_record *cell, bool of_task, ms_free_function *real) {
    switch (end) {
    case MS_END_COUNTED:
        real(block);
        return;
    case MS_END_SLOW:
        free_slow(block, record, real);
        return;
    case MS_END_PUBLISH:
        if (of_task)
            free_and_publish(block, real);
        else
            free_publish(block, real);
        return;
    case MS_END_REMOTE:
        if (of_task)
            free_across_tasks(block, record, real);
        else
            free_remote(block, cell, (uint32_t)record, real);
        return;
    }
}

MS_NOINLINE static void free_otherwise(void *block, ms_free_function *real) {
    struct ms_tls *tls = &ms_tls;
    if (tls->special == MS_SPECIAL_TICK) { // waits for an allocation
        tls->special = 0;
        bool is_the_allocators = ms_note_free_of(block, ms_shadow_take(block));
        tls->special |= MS_SPECIAL_TICK;
        if (is_the_allocators)
            real(block);
    } else if (MS_UNLIKELY(tls->special & MS_SPECIAL_TIMED) && block) {
        timed_free(tls, block, real);
    } else {
        free_slow(block, ms_shadow_take(block), real);
    }
}

// On a stack that was not told of, or perhaps of a stack.
static inline bool tells_of_fibers(const struct ms_tls *tls, uint32_t bytes) {
    const uint32_t least_stack = 4096;
    return bytes >= least_stack || ms_fiber_is_untold(tls, ms_stack_pointer());
}

void ms_free_special(void *block, ms_free_function *real) {
    struct ms_tls *tls = &ms_tls;
    if (MS_UNLIKELY(tls->special != MS_SPECIAL_TASKS)) {
        free_otherwise(block, real);
        return;
    }
    uint64_t record = ms_shadow_take(block);
    if (MS_UNLIKELY(ms_load(&ms_fibers_made) != 0) && tells_of_fibers(tls, (uint32_t)record)) {
        free_slow(block, record, real);
        return;
    }
    free_end(count_free_of_task(tls, block, record), block, record, NULL, true, real);
}

// Large, or in a cell without a brief record, or of unknown origin.
MS_NOINLINE static void free_unseen(void *block, ms_free_function *real) {
    struct memscope_cell_record *cell = NULL;
    uint64_t record = ms_shadow_take(block);
    if (!ms_cell_of_record(record, &cell)) {
        free_slow(block, record, real);
    } else if (ms_peek(&ms_shared.direct_bias) != 0) {
        note_free_unsaved(block, (uint32_t)record, cell);
        real(block);
    } else {
        enum ms_end end = count_free_threaded(block, cell, (uint32_t)record);
        free_end(end, block, record, cell, false, real);
    }
}

// Under ThreadLocal, and those.
void ms_free_otherwise(void *block, char *leaf, uintptr_t granule, ms_free_function *real) {
    struct memscope_cell_record *cell = NULL;
    uint32_t word = ms_shadow_look(leaf, &granule), bytes;
    if (MS_UNLIKELY(!ms_cell_of_word(word, &ms_shared.brief_bias, &cell, &bytes))) {
        free_unseen(block, real);
        return;
    }
    ms_store(ms_shadow_at_once(leaf, &granule), 0u);
    enum ms_end end = count_free_threaded(block, cell, bytes);
    free_end(end, block, ms_brief_record(word), cell, false, real);
}

#endif
