// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The slow paths of an event: the thread's first, a key's first, a pending site, a signal handler
// inside a hook, a fork child, a block of unknown origin. They make a bounded number of system
// calls and keep errno.

#include "count_free.h"

#include "collect/fiber.h"
#include "collect/kept_blocks.h"
#include "collect/level.h"
#include "collect/thread.h"
#include "real.h"
#include "start.h"

#include <errno.h>

static void put_shadow(void *block, const struct memscope_cell_record *cell, size_t bytes,
                       bool inside_hook) {
    if (ms_shadow_put(block, cell, bytes)) {
        const struct ms_kept_event event = {
            .block = block, .cell = cell, .bytes = bytes, .inside_hook = inside_hook};
        ms_kept_allocated(&event);
        return;
    }
    ms_count_loss(MEMSCOPE_LOSS_untracked_blocks, 1);
    ms_count_loss(MEMSCOPE_LOSS_untracked_bytes, bytes);
}

// An event inside a hook of the same thread: into an atomic cell, without growing anything.
static void allocate_inside_hook(struct ms_tls *tls, void *block, size_t bytes) {
    struct memscope_cell_record *cell = tls->thread ? tls->thread->reentrant : NULL;
    uint32_t ref;
    if (!cell) {
        cell = ms_cell_new(ms_shared.header->reentrant_site_ref, tls->record_ref,
                           MEMSCOPE_CELL_ATOMIC, false, &ref);
        if (cell && tls->thread)
            tls->thread->reentrant = cell;
    }
    if (!cell)
        cell = ms_overflow_cell();
    ms_count_loss(MEMSCOPE_LOSS_reentrant_events, 1);
    ms_count_loss(MEMSCOPE_LOSS_reentrant_bytes, bytes);
    ms_cell_allocate_atomic(cell, bytes);
    publish_directly((int64_t)bytes);
    put_shadow(block, cell, bytes, true);
}

// A thread that could not get a buffer: the overflow cell takes its events.
static void allocate_without_buffer(void *block, size_t bytes) {
    struct memscope_cell_record *cell = ms_overflow_cell();
    ms_cell_allocate_atomic(cell, bytes);
    publish_directly((int64_t)bytes);
    put_shadow(block, cell, bytes, false);
}

// No room for a cell of its own: the overflow cell's part, then the thread's.
static bool allocate_in_shared_cell(struct ms_tls *tls, struct memscope_cell_record *cell,
                                    uint64_t bytes) {
    ms_cell_allocate_atomic(cell, bytes);
    if (ms_single_threaded())
        return ms_global_direct_charge(tls, bytes);
    tls->credit -= (int64_t)bytes;
    return tls->credit < 0;
}

// Whose the block is: the coming coroutine's if this is its frame, else the running task's.
static struct memscope_task_record *owner_of(struct ms_tls *tls, const void *block, size_t bytes) {
    if (!is_coming_frame(tls, bytes))
        return ms_task_running(tls);
    struct memscope_task_record *task = ms_tasks_in(tls->top)->coming;
    note_frame_block(tls, task, block, bytes);
    return task;
}

static bool allocate_in_task(struct ms_tls *tls, struct memscope_cell_record *cell,
                             struct memscope_task_record *task, uint64_t bytes) {
    if (task != ms_task_running(tls) || ms_mark_of(tls->top) != MS_MARK_LEAVING)
        ms_task_allocate(task, bytes);
    else
        ms_task_allocate_late(task, bytes);
    return ms_strategy_allocate(tls, cell, bytes);
}

// Under the guard, the cell has counted an event: one in MS_TICK asks for a look at the next
// allocation, where nothing is special that would not let it come by the fast path.
static inline void ask_for_look(struct ms_tls *tls, const struct memscope_cell_record *cell) {
    if (MS_UNLIKELY(ms_cell_has_begun_round(cell)) && (tls->special & ~MS_SPECIAL_GUARD) == 0)
        tls->special |= MS_SPECIAL_TICK;
}

static void allocate_at(struct ms_tls *tls, void *block, size_t bytes, struct ms_origin origin) {
    struct ms_origin charged = ms_pending_take(tls, origin);
    struct memscope_task_record *task = owner_of(tls, block, bytes);
    uint32_t *word = task ? ms_task_word_slow((uintptr_t)block) : NULL;
    if (task && !word) {
        ms_count_loss(MEMSCOPE_LOSS_unfollowed_tasks, 1);
        task = NULL;
    }
    struct memscope_cell_record *cell = ms_cell_for(tls, charged, task, bytes);
    if (word)
        ms_store(word, ms_task_ref(task));
    put_shadow(block, cell, bytes, false);
    tls->last_block = block;
    bool publish;
    if (cell->record.flags & MEMSCOPE_CELL_ATOMIC)
        publish = allocate_in_shared_cell(tls, cell, bytes);
    else if (task)
        publish = allocate_in_task(tls, cell, task, bytes);
    else
        publish = ms_strategy_allocate(tls, cell, bytes);
    if (publish)
        ms_strategy_publish();
    ask_for_look(tls, cell);
}

void *ms_note_allocation_slow(void *block, size_t bytes, struct memscope_site *site,
                              const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    const struct ms_origin origin = {
        .key = site ? 0 : MS_KEY_FOREIGN | frame[1], .site = site, .frame = frame};
    int saved_errno = errno;
    ms_pending_drop_stale(tls, ms_caller_stack() - 1); // equal: a tail call inside the enclosed one
    if ((tls->special & MS_SPECIAL_OFF) || !ms_alive()) {
        // Nothing to count.
    } else if (!block) {
        ms_add(&ms_shared.header->failed_allocations, 1u);
        if (tls->special & MS_SPECIAL_ONCE)
            tls->special &= ~(MS_SPECIAL_PENDING | MS_SPECIAL_ONCE);
    } else if (guarded(tls)) {
        if (!ms_parting_put_off(block, 0, bytes, false))
            allocate_inside_hook(tls, block, bytes);
    } else {
        slow_guard_take(tls);
        catch_up(tls);
        if (tls->special & MS_SPECIAL_NEW) {
            allocate_without_buffer(block, bytes);
        } else {
            uint64_t began = ms_overhead_begin_slow(&tls->thread->overhead);
            if (frame && ms_fiber_is_untold(tls, (uintptr_t)frame))
                ms_fiber_follow(tls, (uintptr_t)frame);
            allocate_at(tls, block, bytes, origin);
            ms_overhead_end_slow(&tls->thread->overhead, began);
            if (tls->thread->overhead.slow_events % MS_TICK == 0)
                ms_governor_tick();
        }
        slow_guard_release(tls);
    }
    errno = saved_errno;
    return block;
}

MS_NOINLINE static void *note_otherwise(void *block, size_t bytes, struct memscope_site *site,
                                        const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    if (MS_LIKELY(tls->special == MS_SPECIAL_SAMPLES))
        return ms_note_sampled(tls, block, bytes, site, frame);
    if (tls->special == MS_SPECIAL_TICK)
        return ms_note_allocation_tick(block, bytes, site, frame);
    if (tls->special & MS_SPECIAL_TIMED)
        return note_before_timed_free(block, bytes, site, frame);
    if ((tls->special & ~MS_SPECIAL_COMING) == MS_SPECIAL_TASKS && ms_load(&ms_shared.depth) == 0)
        return note_in_task_by_site(block, bytes, site, frame);
    return ms_note_allocation_slow(block, bytes, site, frame);
}

void *ms_note_allocation_special(void *block, size_t bytes, struct memscope_site *site,
                                 const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    uint32_t pairs = ms_load(&ms_shared.key_pairs);
    if (MS_LIKELY(tls->special == MS_SPECIAL_TASKS && pairs != 0))
        return note_in_task(block, bytes, site, frame, pairs);
    if (MS_LIKELY(tls->special == (MS_SPECIAL_TASKS | MS_SPECIAL_COMING) && pairs != 0))
        return note_coming_frame(block, bytes, site, frame, pairs);
    return note_otherwise(block, bytes, site, frame);
}

// The fast path's guard is taken; the cell has to count the event.
static inline void *end_event(struct ms_tls *tls, void *block, struct memscope_cell_record *cell) {
    if (MS_UNLIKELY(ms_cell_count(cell)))
        return ms_note_allocation_round(block, cell);
    ms_guard_release(tls);
    return block;
}

void *ms_note_allocation_unsaved(void *block, size_t bytes, struct memscope_cell_record *cell) {
    struct ms_tls *tls = &ms_tls;
    ms_guard_take(tls);
    ms_cell_keep_peak(cell, ms_epoch());
    tls->last_block = block;
    bool publish = ms_global_direct_charge(tls, bytes);
    ms_cell_hold(cell, bytes, false);
    if (MS_UNLIKELY(publish))
        return ms_note_allocation_publish(block, cell);
    return end_event(tls, block, cell);
}

void *ms_note_allocation_large(void *block, size_t bytes, struct memscope_site *site,
                               const uintptr_t *frame, struct memscope_cell_record *cell) {
    struct ms_tls *tls = &ms_tls;
    ms_settle();
    bool is_direct = ms_peek(&ms_shared.direct_bias) != 0;
    if (MS_UNLIKELY(bytes >= MS_SIZE_ASIDE || (!is_direct && ms_strategy_is_outdated(tls))))
        return ms_note_allocation_slow(block, bytes, site, frame);
    char *leaf = ms_shadow_leaf((uintptr_t)block);
    ms_store(ms_shadow_at_large(leaf, (uintptr_t)block), ms_record_of(cell, bytes));
    if (!is_direct)
        return ms_allocate_threaded(tls, block, bytes, cell);
    if (MS_LIKELY(cell->epoch == ms_peek(&ms_shared.fast_epoch)))
        return ms_allocate_direct(tls, block, bytes, cell);
    return ms_note_allocation_unsaved(block, bytes, cell);
}

void *ms_note_allocation_peak(void *block, size_t bytes, struct memscope_cell_record *cell) {
    struct ms_tls *tls = &ms_tls;
    ms_guard_take(tls);
    bool publish = ms_global_direct_raise(tls, bytes);
    ms_cell_hold(cell, bytes, false);
    if (MS_UNLIKELY(publish))
        return ms_note_allocation_publish(block, cell);
    return end_event(tls, block, cell);
}

// The guard is still the fast path's.
void *ms_note_allocation_publish(void *block, struct memscope_cell_record *cell) {
    publish_timed(&ms_tls);
    return end_event(&ms_tls, block, cell);
}

void *ms_note_allocation_round(void *block, struct memscope_cell_record *cell) {
    struct ms_tls *tls = &ms_tls;
    ms_guard_take(tls); // again, under ThreadLocal
    ms_cell_begin_round(cell);
    ask_for_look(tls, cell);
    flags_guard_release(tls);
    return block;
}

bool ms_slow_begin(struct ms_tls *tls) {
    bool asks = (tls->special & MS_SPECIAL_PARTING) || ms_load(&ms_shared.alive) == 0;
    if ((tls->special & MS_SPECIAL_OFF) || (asks && !ms_alive()) || guarded(tls))
        return false;
    slow_guard_take(tls);
    catch_up(tls);
    return true;
}

void ms_slow_end(struct ms_tls *tls) {
    slow_guard_release(tls);
}

void ms_note_put_off(const struct ms_put_off *event) {
    if (!event->is_free)
        allocate_inside_hook(&ms_tls, event->block, event->bytes);
    else
        count_free_slow(event->block, event->record ? event->record : ms_shadow_take(event->block),
                        true, false);
}

bool ms_slow_is_interrupted(void) {
    return (ms_tls.special & MS_SPECIAL_SLOW) && guarded(&ms_tls);
}
