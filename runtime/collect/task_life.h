// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The usual way of a task's beginning and of its record's next use, inlined into the hooks of
// coroutines: a record waits on the thread, and nothing of the task is left. Under the guard, of a
// thread that runs tasks. The rest is task.c's.

#ifndef MS_TASK_LIFE_H
#define MS_TASK_LIFE_H

#include "task_alive.h"

enum { MS_TASKS_BATCH = 128 };

// More than two batches are idle: one goes to all threads.
MS_COLD void ms_task_give_spare(struct ms_tasks *tasks);

// One of the heaviest: it stays visible. Returns what is to be used again instead, or NULL.
MS_COLD struct memscope_task_record *ms_task_keep(struct ms_tasks *tasks,
                                                  struct memscope_task_record *task);

// Ids are taken in ranges, so that threads that start many tasks do not meet.
MS_NOINLINE void ms_task_take_ids(struct ms_tasks *tasks);

MS_HOT uint64_t ms_task_next_id(struct ms_tasks *tasks) {
    if (MS_LIKELY(ms_single_threaded())) {
        struct memscope_profile_header *header = ms_shared.header;
        uint64_t id = ms_load(&header->tasks_started) + 1;
        ms_store(&header->tasks_started, id);
        return id;
    }
    if (MS_UNLIKELY(tasks->next_id == tasks->last_id))
        ms_task_take_ids(tasks);
    return ++tasks->next_id;
}

// All but the head and the state, which is FREE: readers, and a kill, find a record here at every
// moment. In wide stores: `rep stos`, which compilers make of a memset of this size, takes long to
// begin.
MS_HOT void ms_task_wipe(struct memscope_task_record *task) {
    typedef uint64_t wide __attribute__((vector_size(16), may_alias));
    const size_t start = offsetof(struct memscope_task_record, id);
    _Static_assert(offsetof(struct memscope_task_record, id) % sizeof(wide) == 0 &&
                       sizeof *task % sizeof(wide) == 0,
                   "whole stores");
    ms_store(&task->record.flags, (uint8_t)0);
    wide *at = (void *)((char *)task + start);
#pragma GCC unroll 16
    for (size_t i = 0; i < (sizeof *task - start) / sizeof *at; i++)
        at[i] = (wide){0, 0};
}

// From idle to CREATED, a child of what runs now.
MS_HOT void ms_task_fill(const struct ms_tls *tls, struct ms_tasks *tasks,
                         struct memscope_task_record *task, struct memscope_task_fold_record *fold,
                         uint64_t now_ns) {
    const struct memscope_task_record *parent = ms_task_running(tls);
    ms_store(&task->thread_ref, tls->record_ref);
    task->id = ms_task_next_id(tasks);
    task->parent_id = parent ? parent->id : 0;
    task->parent_ref = parent ? ms_task_ref(parent) : tls->record_ref;
    task->edge = MEMSCOPE_EDGE_SPAWN;
    task->edge_rule = MEMSCOPE_RULE_CREATED_BY;
    task->class_ref = fold->class_ref;
    task->awaiter_ref = fold->awaiter_ref;
    task->created_ns = now_ns;
    ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_CREATED);
    fold->started++;
    ms_alive_begin(tasks);
}

// NULL = not this way.
MS_HOT struct memscope_task_record *ms_task_new_usual(const struct ms_tls *tls,
                                                      struct ms_tasks *tasks,
                                                      struct memscope_task_fold_record *fold,
                                                      uint64_t now_ns) {
    struct memscope_task_record *task = tasks->idle;
    if (MS_UNLIKELY(!task || tasks->deferred || fold->awaiter_ref == 0))
        return NULL;
    tasks->idle = (void *)(uintptr_t)task->runtime[0]; // NOLINT(performance-no-int-to-ptr)
    tasks->idle_count--;
    ms_task_wipe(task);
    ms_task_fill(tls, tasks, task, fold, now_ns);
    return task;
}

MS_HOT void ms_task_put_idle(struct ms_tasks *tasks, struct memscope_task_record *task) {
    ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_FREE);
    ms_store(&task->runtime[0], (uint64_t)(uintptr_t)tasks->idle);
    tasks->idle = task;
    if (MS_UNLIKELY(++tasks->idle_count >= 2ull * MS_TASKS_BATCH))
        ms_task_give_spare(tasks);
}

// Its last block is freed, and it stands on no shadow stack.
MS_HOT void ms_task_recycle(struct ms_tasks *tasks, struct memscope_task_record *task) {
    ms_store(&task->frame_address, (uint64_t)0);
    if (MS_UNLIKELY(tasks->kept_count < MS_TASKS_KEPT ||
                    tasks->kept[tasks->lightest]->peak_bytes < task->peak_bytes) &&
        !(task = ms_task_keep(tasks, task)))
        return;
    ms_task_put_idle(tasks, task);
}

// Was this the end of the task, on this thread, that left nothing but its frame?
MS_HOT bool ms_task_is_ending(const struct ms_tls *tls, const struct ms_tasks *tasks,
                              const struct memscope_task_record *task, const void *block) {
    return task == tasks->ending && ms_acquire(&task->state) == MEMSCOPE_TASK_OUTLIVED &&
           ms_task_is_frame(task, block) && task->migrations == 0 &&
           task->thread_ref == tls->record_ref;
}

// Its frame was freed by this thread, which nobody else knew of.
MS_HOT void ms_task_free_ending(struct ms_tasks *tasks, struct memscope_task_record *task,
                                uint64_t bytes) {
    tasks->ending = NULL;
    ms_store(&task->remote_freed_bytes, ms_load(&task->remote_freed_bytes) + bytes);
    ms_store(&task->remote_frees, ms_load(&task->remote_frees) + 1);
    ms_task_recycle(tasks, task);
}

#endif
