// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fast paths of a malloc and a free on threads that run tasks. Part of count.c. No lock, no
// system call, no allocation, errno untouched, and no call but the last: what is out of the
// ordinary goes on elsewhere.

#ifndef MS_COUNT_TASKS_H
#define MS_COUNT_TASKS_H

#include "charge.h"
#include "count_guard.h"

// Is it the coming coroutine's frame? Promises with an allocator of their own keep it behind the
// frame.
static inline bool is_coming_frame(const struct ms_tls *tls, size_t bytes) {
    const size_t room_for_allocator = 64;
    const struct ms_tasks *tasks = ms_tasks_in(tls->top);
    return (tls->special & MS_SPECIAL_COMING) && tasks->coming &&
           bytes - tasks->coming_bytes <= room_for_allocator;
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
    ms_strategy_publish();
    task_guard_release(&ms_tls);
    return block;
}

// The thread's slot for an allocation by site, without contexts.
static inline const struct ms_slot *slot_by_site(const struct ms_tls *tls, struct ms_origin origin,
                                                 const struct memscope_task_record *task,
                                                 uint64_t *key_out) {
    uint64_t key = origin.site ? ms_acquire(&origin.site->id) : origin.key;
    *key_out = key = ms_key_of_plain(task ? ms_task_key(key, task->class_ref) : key);
    return ms_slot_of(tls, key);
}

// The fast path of threads that run tasks. `task`: whose the block is, NULL = the root task's;
// `is_frame`: the coming coroutine's frame.
MS_HOT void *note_allocation_of_task(struct ms_tls *tls, void *block, size_t bytes,
                                     struct memscope_site *site, const uintptr_t *frame,
                                     struct memscope_task_record *task, bool is_frame,
                                     uint32_t pairs) {
    const struct ms_origin origin = {
        .key = site ? 0 : MS_KEY_FOREIGN | frame[1], .site = site, .frame = frame};
    uint64_t key;
    const struct ms_slot *slot;
    if (pairs != 0) {
        key = ms_context_key(tls, ms_seed_of(origin, ms_task_running(tls)), frame, pairs);
        slot = ms_slot_of(tls, key);
    } else {
        slot = slot_by_site(tls, origin, task, &key);
    }
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    if (MS_UNLIKELY(slot->key != key))
        slot++; // the bucket's other one
    if (MS_UNLIKELY(slot->key != key || !leaf || bytes >= MS_SIZE_ASIDE))
        return ms_note_allocation_slow(block, bytes, site, frame);
    struct memscope_cell_record *cell = slot->cell;
    uint32_t *word = NULL;
    if (MS_UNLIKELY(cell->class_ref != (task ? task->class_ref : 0) ||
                    (task && !(word = ms_task_word_at((uintptr_t)block))) ||
                    (!ms_single_threaded() && ms_strategy_is_outdated(tls))))
        return ms_note_allocation_slow(block, bytes, site, frame);
    task_guard_take(tls);
    if (is_frame) {
        if (MS_UNLIKELY(ms_tasks_in(tls->top)->coming != task)) { // a signal handler dropped it
            task_guard_release(tls);
            return ms_note_allocation_slow(block, bytes, site, frame);
        }
        note_frame_block(tls, task, block, bytes);
    }
    ms_store(ms_shadow_at(leaf, (uintptr_t)block), ms_shadow_record(ms_shared.units, cell, bytes));
    tls->last_block = block;
    if (task) {
        ms_store(word, ms_task_ref(task));
        ms_task_allocate(task, bytes);
    }
    if (MS_UNLIKELY(ms_task_local_allocate(tls, cell, NULL, bytes)))
        return note_task_publish(block);
    task_guard_release(tls);
    return block;
}

// Flags are MS_SPECIAL_TASKS.
MS_NOINLINE static void *note_in_task(void *block, size_t bytes, struct memscope_site *site,
                                      const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    uint32_t pairs = ms_load(&ms_shared.key_pairs);
    if (MS_UNLIKELY(ms_drop(&ms_head_of(tls)->until_tick, 1)))
        return ms_note_allocation_tick(block, bytes, site, frame);
    if (MS_UNLIKELY(pairs == 0 || ms_mark_of(tls->top) == MS_MARK_LEAVING))
        return ms_note_allocation_slow(block, bytes, site, frame);
    return note_allocation_of_task(tls, block, bytes, site, frame, ms_task_running(tls), false,
                                   pairs);
}

// The same with MS_SPECIAL_COMING beside.
MS_NOINLINE static void *note_coming_frame(void *block, size_t bytes, struct memscope_site *site,
                                           const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    uint32_t pairs = ms_load(&ms_shared.key_pairs);
    if (MS_UNLIKELY(pairs == 0 || !is_coming_frame(tls, bytes)))
        return ms_note_allocation_slow(block, bytes, site, frame);
    return note_allocation_of_task(tls, block, bytes, site, frame, ms_tasks_in(tls->top)->coming,
                                   true, pairs);
}

// Either without contexts.
MS_NOINLINE static void *note_in_task_by_site(void *block, size_t bytes, struct memscope_site *site,
                                              const uintptr_t *frame) {
    struct ms_tls *tls = &ms_tls;
    if (is_coming_frame(tls, bytes))
        return note_allocation_of_task(tls, block, bytes, site, frame,
                                       ms_tasks_in(tls->top)->coming, true, 0);
    if (ms_mark_of(tls->top) == MS_MARK_LEAVING)
        return ms_note_allocation_slow(block, bytes, site, frame);
    return note_allocation_of_task(tls, block, bytes, site, frame, ms_task_running(tls), false, 0);
}

// The fast path of threads that run tasks, with flags MS_SPECIAL_TASKS: a block of the running
// task, in this thread's cell, or one that the thread itself allocated outside of tasks and frees
// there.
MS_HOT enum ms_end count_free_of_task(struct ms_tls *tls, void *block, uint64_t record) {
    uint32_t ref = (uint32_t)(record >> 32);
    bool single = ms_single_threaded();
    if (MS_UNLIKELY(!ms_ref_is_ours(ref) || (!single && ms_strategy_is_outdated(tls))))
        return MS_END_SLOW;
    struct memscope_cell_record *cell = ms_ref(ref);
    const struct ms_running *top = tls->top;
    struct memscope_task_record *task = ms_task_on(top);
    if (cell->thread_ref != tls->record_ref ||
        (cell->record.flags & (MEMSCOPE_CELL_ATOMIC | MEMSCOPE_CELL_TASK)) !=
            (task ? MEMSCOPE_CELL_TASK : 0))
        return MS_END_REMOTE;
    if (task) {
        const uint32_t *word = ms_task_word_at((uintptr_t)block);
        if (!word || ms_load(word) != ms_task_ref(task) || ms_mark_of(top) == MS_MARK_LEAVING)
            return MS_END_REMOTE;
    }
    task_guard_take(tls);
    ms_cell_free(cell, (uint32_t)record, ms_epoch());
    if (block == tls->last_block)
        cell->temporary++;
    if (task) {
        task->frees++;
        task->freed_bytes += (uint32_t)record;
    }
    tls->credit += (uint32_t)record;
    if (!single) {
        tls->record->live_bytes -= (uint32_t)record;
        if (MS_UNLIKELY(tls->credit > 2 * MS_CREDIT))
            return MS_END_PUBLISH;
    }
    task_guard_release(tls);
    return MS_END_COUNTED;
}

// Any other block of this process, there.
static inline void note_free_across_tasks(void *block, uint64_t record) {
    struct ms_tls *tls = &ms_tls;
    task_guard_take(tls);
    if (ms_task_local_free(tls, ms_ref((uint32_t)(record >> 32)), (uint32_t)record, block))
        ms_thread_local_publish();
    task_guard_release(tls);
}

#endif
