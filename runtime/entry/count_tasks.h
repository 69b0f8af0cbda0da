// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fast paths of a malloc and a free on threads that run tasks. Part of count.c. No lock, no
// system call, no allocation, errno untouched, and no call but the last: what is out of the
// ordinary goes on elsewhere.

#ifndef MS_COUNT_TASKS_H
#define MS_COUNT_TASKS_H

#include "charge.h"
#include "count_guard.h"

#include "collect/fiber.h"
#include "collect/task_life.h"

// Is it the coming coroutine's frame? Promises with an allocator of their own keep it behind the
// frame.
MS_HOT bool is_coming_block(const struct ms_tasks *tasks, size_t bytes) {
    const size_t room_for_allocator = 64;
    return tasks->coming && bytes - tasks->coming_bytes <= room_for_allocator;
}

static inline bool is_coming_frame(const struct ms_tls *tls, size_t bytes) {
    return (tls->special & MS_SPECIAL_COMING) && is_coming_block(ms_tasks_in(tls->top), bytes);
}

static inline void note_frame_block(struct ms_tls *tls, struct memscope_task_record *task,
                                    const void *block, size_t bytes) {
    tls->special &= ~MS_SPECIAL_COMING;
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): is_coming_frame has looked
    task->record.flags |= MEMSCOPE_TASK_FRAME_COUNTED;
    ms_store(&task->runtime[0], (uint64_t)(uintptr_t)block);
    task->runtime[1] = bytes;
}

// Not inlined, so that who calls it last saves no registers.
MS_NOINLINE static void *note_task_publish(void *block) {
    publish_timed(&ms_tls);
    flags_guard_release(&ms_tls);
    return block;
}

// What an allocation of a thread that runs tasks is about. `task`: whose the block is, NULL = the
// root task's; `is_frame`: the coming coroutine's frame, of which the guard is taken.
struct task_event {
    void *block;
    size_t bytes;
    struct memscope_site *site;
    const uintptr_t *frame;
    struct memscope_task_record *task;
    bool is_frame;
};

MS_HOT void *note_task_slowly(struct ms_tls *tls, struct task_event event) {
    if (event.is_frame)
        flags_guard_release(tls);
    return ms_note_allocation_slow(event.block, event.bytes, event.site, event.frame);
}

// `pairs`: of context/key.h; 0 = by site.
MS_HOT uint64_t key_of(const struct ms_tls *tls, struct task_event event, uint32_t pairs) {
    if (pairs != 0) {
        const struct memscope_task_record *running =
            event.is_frame ? ms_task_running(tls) : event.task;
        uint64_t seed = ms_context_seed(event.site);
        if (running)
            seed = ms_context_seed_of_task(seed, running->awaiter_ref);
        return ms_context_key(tls, seed, event.frame, pairs);
    }
    uint64_t plain = event.site ? ms_acquire(&event.site->id) : MS_KEY_FOREIGN | event.frame[1];
    if (event.task)
        plain = ms_task_key(plain, event.task->class_ref);
    return ms_key_of_plain(plain);
}

MS_HOT void *note_in_cell_of_task(struct ms_tls *tls, struct task_event event,
                                  struct memscope_cell_record *cell, uint32_t brief, char *leaf,
                                  uint32_t *word) {
    if (!event.is_frame)
        flags_guard_take(tls);
    ms_shadow_put_in(leaf, event.block, event.bytes, brief);
    tls->last_block = event.block;
    if (event.task)
        ms_store(word, ms_task_ref(event.task));
    if (event.is_frame)
        note_frame_block(tls, event.task, event.block, event.bytes);
    if (event.task)
        ms_task_allocate(event.task, event.bytes);
    if (MS_LIKELY(ms_single_threaded())) {
        if (MS_UNLIKELY(ms_global_direct_allocate(tls, cell, event.bytes)))
            return note_task_publish(event.block);
    } else if (MS_UNLIKELY(ms_thread_local_allocate(tls, cell, event.bytes))) {
        return note_task_publish(event.block);
    }
    flags_guard_release(tls);
    return event.block;
}

// The fast path of threads that run tasks.
MS_HOT void *note_allocation_of_task(struct ms_tls *tls, struct task_event event, uint32_t pairs) {
    uint64_t key = key_of(tls, event, pairs);
    char *leaf = ms_shadow_leaf((uintptr_t)event.block); // of NULL there is none
    if (MS_UNLIKELY(!leaf || event.bytes >= MS_SIZE_ASIDE))
        return note_task_slowly(tls, event);
    struct memscope_cell_record *cell;
    uint32_t brief;
    if (MS_UNLIKELY(!ms_look_up(tls, key, &cell, &brief)))
        return note_task_slowly(tls, event);
    uint32_t *word = NULL;
    if (MS_UNLIKELY(cell->class_ref != (event.task ? event.task->class_ref : 0)))
        return note_task_slowly(tls, event);
    if (event.task && MS_UNLIKELY(!(word = ms_task_word_here((uintptr_t)event.block))))
        return note_task_slowly(tls, event);
    if (MS_UNLIKELY(!ms_single_threaded() && ms_strategy_is_outdated(tls)))
        return note_task_slowly(tls, event);
    return note_in_cell_of_task(tls, event, cell, brief, leaf, word);
}

// The running task is none, or a mark stands at it.
MS_NOINLINE static void *note_beside_task(void *block, size_t bytes, struct memscope_site *site,
                                          const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    if (MS_UNLIKELY(ms_mark_of(tls->top) == MS_MARK_LEAVING))
        return ms_note_allocation_slow(block, bytes, site, frame);
    return note_allocation_of_task(
        tls, (struct task_event){block, bytes, site, frame, ms_task_running(tls), false},
        ms_load(&ms_shared.key_pairs));
}

// Flags are MS_SPECIAL_TASKS, contexts are looked up.
MS_NOINLINE static void *note_in_task(void *block, size_t bytes, struct memscope_site *site,
                                      const uintptr_t *frame, uint32_t pairs) {
    struct ms_tls *tls = &ms_tls;
    if (pairs == 0)
        __builtin_unreachable();
    if (MS_UNLIKELY(ms_drop(&ms_head_of(tls)->until_tick, 1)))
        return ms_note_allocation_tick(block, bytes, site, frame);
    struct memscope_task_record *task = ms_task_just_running(tls->top);
    if (MS_UNLIKELY(!task))
        return note_beside_task(block, bytes, site, frame);
    return note_allocation_of_task(tls, (struct task_event){block, bytes, site, frame, task, false},
                                   pairs);
}

// The same with MS_SPECIAL_COMING beside. The guard comes first: a signal handler may drop the
// coming task.
MS_NOINLINE static void *note_coming_frame(void *block, size_t bytes, struct memscope_site *site,
                                           const uintptr_t *frame, uint32_t pairs) {
    struct ms_tls *tls = &ms_tls;
    if (pairs == 0)
        __builtin_unreachable();
    flags_guard_take(tls);
    const struct ms_tasks *tasks = ms_tasks_in(tls->top);
    struct task_event event = {block, bytes, site, frame, tasks->coming, true};
    if (MS_UNLIKELY(!is_coming_block(tasks, bytes)))
        return note_task_slowly(tls, event);
    return note_allocation_of_task(tls, event, pairs);
}

// Either without contexts.
MS_NOINLINE static void *note_in_task_by_site(void *block, size_t bytes, struct memscope_site *site,
                                              const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    struct task_event event = {block, bytes, site, frame, ms_task_running(tls), false};
    if (MS_UNLIKELY(ms_drop(&ms_head_of(tls)->until_tick, 1)))
        return ms_note_allocation_tick(block, bytes, site, frame);
    if (ms_fiber_is_untold(tls, (uintptr_t)frame)) // a context's key would tell
        return ms_note_allocation_slow(block, bytes, site, frame);
    if (is_coming_frame(tls, bytes)) {
        flags_guard_take(tls);
        const struct ms_tasks *tasks = ms_tasks_in(tls->top);
        event.task = tasks->coming;
        event.is_frame = true;
        if (MS_UNLIKELY(!is_coming_block(tasks, bytes))) // a signal handler dropped it
            return note_task_slowly(tls, event);
        return note_allocation_of_task(tls, event, 0);
    }
    if (ms_mark_of(tls->top) == MS_MARK_LEAVING)
        return ms_note_allocation_slow(block, bytes, site, frame);
    return note_allocation_of_task(tls, event, 0);
}

// The fast path of threads that run tasks, with flags MS_SPECIAL_TASKS: a block of the running
// task, in this thread's cell, or one that the thread itself allocated outside of tasks and frees
// there.
MS_HOT enum ms_end count_free_of_task(struct ms_tls *tls, void *block, uint64_t record) {
    struct memscope_cell_record *cell;
    if (MS_UNLIKELY(!ms_cell_of_record(record, &cell) ||
                    (!ms_single_threaded() && ms_strategy_is_outdated(tls))))
        return MS_END_SLOW;
    struct memscope_task_record *task = ms_task_just_running(tls->top);
    const uint8_t flags = MEMSCOPE_CELL_ATOMIC | MEMSCOPE_CELL_TASK;
    if (cell->thread_ref != tls->record_ref ||
        (cell->record.flags & flags) != (task ? MEMSCOPE_CELL_TASK : 0))
        return MS_END_REMOTE;
    if (task) {
        const uint32_t *word = ms_task_word_here((uintptr_t)block);
        if (!word || ms_load(word) != ms_task_ref(task))
            return MS_END_REMOTE;
    } else if (MS_UNLIKELY(tls->top->task != 0)) {
        return MS_END_REMOTE;
    }
    flags_guard_take(tls);
    ms_cell_keep_peak(cell, ms_epoch());
    ms_cell_free(cell, (uint32_t)record);
    if (block == tls->last_block)
        cell->temporary++;
    if (task) {
        task->frees++;
        task->freed_bytes += (uint32_t)record;
    }
    tls->credit += (uint32_t)record;
    if (!ms_single_threaded()) {
        tls->record->live_bytes -= (uint32_t)record;
        if (MS_UNLIKELY(tls->credit > 2 * MS_CREDIT))
            return MS_END_PUBLISH;
    }
    flags_guard_release(tls);
    return MS_END_COUNTED;
}

// The frame of the coroutine that ended here last, in a cell of this thread; NULL = it is not.
MS_HOT struct memscope_task_record *
ending_frame(const struct ms_tls *tls, const struct memscope_cell_record *cell, const void *block) {
    const struct ms_tasks *tasks = ms_tasks_in(tls->top);
    struct memscope_task_record *ending = tasks->ending;
    const uint8_t flags = MEMSCOPE_CELL_ATOMIC | MEMSCOPE_CELL_TASK;
    bool is_it = ending && ms_task_is_ending(tls, tasks, ending, block) &&
                 cell->thread_ref == tls->record_ref &&
                 (cell->record.flags & flags) == MEMSCOPE_CELL_TASK;
    return MS_LIKELY(is_it) ? ending : NULL;
}

MS_NOINLINE static void note_free_between_tasks(void *block, struct memscope_cell_record *cell,
                                                uint32_t bytes) {
    if (ms_task_local_free(&ms_tls, cell, bytes, block))
        ms_thread_local_publish();
    flags_guard_release(&ms_tls);
}

// Any other block of this process.
MS_HOT void note_free_across_tasks(void *block, uint64_t record) {
    struct ms_tls *tls = &ms_tls;
    struct memscope_cell_record *cell = ms_ref((uint32_t)(record >> 32));
    uint32_t bytes = (uint32_t)record;
    flags_guard_take(tls);
    struct memscope_task_record *ending = ending_frame(tls, cell, block);
    if (MS_UNLIKELY(!ending)) {
        note_free_between_tasks(block, cell, bytes);
        return;
    }
    ms_cell_keep_peak(cell, ms_epoch());
    ms_cell_free(cell, bytes);
    if (block == tls->last_block)
        cell->temporary++;
    tls->credit += bytes;
    ms_task_free_ending(ms_tasks_in(tls->top), ending, bytes);
    if (!ms_single_threaded()) {
        tls->record->live_bytes -= bytes;
        if (MS_UNLIKELY(tls->credit > 2 * MS_CREDIT))
            ms_thread_local_publish();
    }
    flags_guard_release(tls);
}

#endif
