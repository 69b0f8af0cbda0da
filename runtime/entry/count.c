// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The slow paths of an event: the thread's first, a key's first, a pending site, a signal handler
// inside a hook, a fork child, a block of unknown origin. They make a bounded number of system
// calls and keep errno.

#include "charge.h"
#include "count_tasks.h"
#include "count_tick.h"

#include "collect/fiber.h"
#include "collect/kept_blocks.h"
#include "collect/level.h"
#include "collect/thread.h"
#include "real.h"
#include "start.h"

#include <errno.h>

// Was the hook that holds the guard left by longjmp? Then its stack frame was below ours.
static bool guard_is_stale(uint64_t guard) {
    return guard < ms_stack_pointer() && !ms_sys_on_signal_stack();
}

static bool guarded(const struct ms_tls *tls) {
    uint64_t guard = tls->special & MS_SPECIAL_GUARD;
    return guard != 0 && !guard_is_stale(guard);
}

static inline void slow_guard_take(struct ms_tls *tls) {
    tls->special = (tls->special & ~MS_SPECIAL_GUARD) | ms_stack_pointer();
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// With the guard taken: a thread that still counts as under GlobalDirect goes over first.
static void catch_up(struct ms_tls *tls) {
    if (tls->special & MS_SPECIAL_NEW)
        ms_thread_attach(NULL, NULL);
    ms_sampled_settle(tls);
    if (!ms_single_threaded() && ms_strategy_is_outdated(tls))
        ms_thread_local_convert();
    if (!(tls->special & MS_SPECIAL_NEW))
        ms_level_take_notice(tls);
}

static void slow_guard_release(struct ms_tls *tls) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    tls->special &= ~MS_SPECIAL_GUARD;
    if (tls->special & MS_SPECIAL_EXITING)
        ms_strategy_publish();
}

// Bytes that go to the process's total past the thread's credit.
static void publish_directly(int64_t bytes) {
    if (!ms_single_threaded())
        ms_add(&ms_shared.header->published_live_bytes, bytes);
}

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

void *ms_note_allocation_unsaved(void *block, size_t bytes, uint64_t *place,
                                 struct memscope_cell_record *cell, uint64_t record) {
    struct ms_tls *tls = &ms_tls;
    ms_guard_take(tls);
    ms_cell_keep_peak(cell, ms_epoch());
    ms_store(place, record);
    tls->last_block = block;
    bool publish = ms_global_direct_charge(tls, bytes);
    ms_cell_hold(cell, bytes, false);
    if (MS_UNLIKELY(publish))
        return ms_note_allocation_publish(block, cell);
    return end_event(tls, block, cell);
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
    uint64_t began = ms_cycles();
    ms_strategy_publish();
    ms_overhead_add_slow(&ms_tls.thread->overhead, ms_cycles() - began);
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

static bool note_free_slow(void *block, uint64_t record, bool by_realloc) {
    struct ms_tls *tls = &ms_tls;
    if (!block)
        return true;
    if (ms_real_is_early(block))
        return false;
    int saved_errno = errno;
    if ((tls->special & MS_SPECIAL_OFF) || !ms_alive()) {
        // Nothing to count.
    } else if (record == 0) {
        ms_add(&ms_shared.header->unknown_frees, 1u);
    } else {
        uint32_t ref;
        uint64_t bytes;
        ms_shadow_read(record, &ref, &bytes);
        if (!ms_ref_is_ours(ref))
            ms_add(&ms_shared.header->inherited_frees, 1u);
        else if (guarded(tls))
            free_inside_hook(ms_ref(ref), bytes, block, by_realloc);
        else
            free_in(tls, ms_ref(ref), bytes, block, by_realloc);
    }
    errno = saved_errno;
    return true;
}

// Of a thread where nothing is special; REMOTE: the guard is taken.
MS_HOT enum ms_end count_free_otherwise(void *block, uint64_t record,
                                        struct memscope_cell_record **cell_out) {
    struct ms_tls *tls = &ms_tls;
    char *base = (char *)ms_shared.header;
    uint64_t relative;
    ms_settle();
    if (MS_UNLIKELY(!__builtin_add_overflow(record, ms_load(&ms_shared.bias), &relative) ||
                    ms_strategy_is_outdated(tls)))
        return MS_END_SLOW;
    struct memscope_cell_record *cell = *cell_out = ms_record_at(base, relative);
    ms_guard_take(tls);
    if (MS_UNLIKELY(!ms_thread_local_owns(tls, cell)))
        return MS_END_REMOTE;
    if (MS_UNLIKELY(ms_thread_local_free_own(tls, cell, (uint32_t)record, block)))
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
    switch (count_free_of_task(tls, block, record)) {
    case MS_END_COUNTED:
        return true;
    case MS_END_SLOW:
        return note_free_slow(block, record, true);
    case MS_END_PUBLISH:
        (void)note_task_publish(block);
        return true;
    case MS_END_REMOTE:
        note_free_across_tasks(block, record);
        return true;
    }
    return true;
}

bool ms_note_free_of(void *block, uint64_t record) {
    struct memscope_cell_record *cell;
    if (MS_UNLIKELY(ms_tls.special != 0))
        return note_free_special(block, record);
    if (MS_LIKELY(ms_direct_cell(record, &cell))) {
        note_free_unsaved(block, (uint32_t)record, cell);
        return true;
    }
    switch (count_free_otherwise(block, record, &cell)) {
    case MS_END_COUNTED:
        return true;
    case MS_END_SLOW:
        return note_free_slow(block, record, true);
    case MS_END_PUBLISH:
        note_free_publish();
        return true;
    case MS_END_REMOTE:
        note_free_remote(block, cell, (uint32_t)record);
        return true;
    }
    return true;
}

MS_NOINLINE static void free_and_publish(void *block, ms_free_function *real) {
    (void)note_task_publish(block);
    real(block);
}

MS_NOINLINE static void free_across_tasks(void *block, uint64_t record, ms_free_function *real) {
    note_free_across_tasks(block, record);
    real(block);
}

MS_COLD static void free_slow(void *block, uint64_t record, ms_free_function *real) {
    if (note_free_slow(block, record, false))
        real(block);
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
    switch (count_free_of_task(tls, block, record)) {
    case MS_END_COUNTED:
        real(block);
        return;
    case MS_END_SLOW:
        free_slow(block, record, real);
        return;
    case MS_END_PUBLISH:
        free_and_publish(block, real);
        return;
    case MS_END_REMOTE:
        free_across_tasks(block, record, real);
        return;
    }
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

// Under ThreadLocal, or a block of unknown origin.
void ms_free_otherwise(void *block, uint64_t record, ms_free_function *real) {
    struct memscope_cell_record *cell;
    switch (count_free_otherwise(block, record, &cell)) {
    case MS_END_COUNTED:
        real(block);
        return;
    case MS_END_SLOW:
        free_slow(block, record, real);
        return;
    case MS_END_PUBLISH:
        free_publish(block, real);
        return;
    case MS_END_REMOTE:
        free_remote(block, cell, (uint32_t)record, real);
        return;
    }
}

bool ms_slow_begin(struct ms_tls *tls) {
    bool alive = !(tls->special & MS_SPECIAL_OFF) && (ms_load(&ms_shared.alive) || ms_alive());
    if (!alive || guarded(tls))
        return false;
    slow_guard_take(tls);
    catch_up(tls);
    return true;
}

void ms_slow_end(struct ms_tls *tls) {
    slow_guard_release(tls);
}
