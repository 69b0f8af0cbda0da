// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who waits for whom (compiler-facts: await, or spawn?), found where a coroutine suspends, is first
// resumed, or ends. Part of coroutines.c, under the same rules.

#ifndef MS_COROUTINE_EDGES_H
#define MS_COROUTINE_EDGES_H

#include "collect/task.h"
#include "collect/task_class.h"

// Where `task` is suspended; 0 = unknown.
static uint32_t suspended_line(const struct ms_tls *tls, const struct memscope_task_record *task) {
    const struct ms_suspended *noted = ms_suspended_of(ms_tasks_in(tls->top), task);
    bool is_latest = noted->id == task->id && noted->resumes == ms_load(&task->resumes);
    return is_latest ? noted->line : 0;
}

static void note_suspended(const struct ms_tls *tls, const struct memscope_task_record *task,
                           uint32_t line) {
    *ms_suspended_of(ms_tasks_in(tls->top), task) =
        (struct ms_suspended){.id = task->id, .resumes = task->resumes, .line = line};
}

// Rule 1: the awaiter of a suspending coroutine holds one that has not started yet.
static void find_awaited(struct memscope_task_record *task, const void *awaiter, size_t bytes,
                         uint32_t line) {
    const size_t most_words = 16;
    const uintptr_t *words = awaiter;
    size_t count = bytes / sizeof *words;
    for (size_t i = 0; i < count && i < most_words; i++) {
        struct memscope_task_record *held = ms_task_at(words[i]);
        if (held && held != task && ms_load(&held->state) == MEMSCOPE_TASK_CREATED)
            ms_task_set_awaiter(held, task, MEMSCOPE_RULE_AWAITER_HOLDS_FRAME, line);
    }
}

// Some tasks have not started, while this one suspends: it may await one of them, now or later.
MS_NOINLINE static void look_for_awaited(const struct ms_tls *tls,
                                         struct memscope_task_record *task, const void *awaiter,
                                         size_t bytes, uint32_t line) {
    if (awaiter)
        find_awaited(task, awaiter, bytes, line);
    note_suspended(tls, task, line);
}

// A suspended coroutine that the promise of `task` points to.
static struct memscope_task_record *pointed_to(const struct memscope_task_record *task) {
    const size_t most_words = 32, promise_offset = 16;
    const struct memscope_task_class_record *class = ms_ref(task->class_ref);
    const uintptr_t *words = (const void *)(uintptr_t)(task->frame_address + promise_offset);
    size_t behind = task->frame_bytes > promise_offset ? task->frame_bytes - promise_offset : 0;
    size_t count = (class->promise_bytes < behind ? class->promise_bytes : behind) / sizeof *words;
    for (size_t i = 0; task->frame_address && i < count && i < most_words; i++) {
        struct memscope_task_record *other = ms_task_at(words[i]);
        if (other && other != task && ms_load(&other->state) == MEMSCOPE_TASK_SUSPENDED)
            return other;
    }
    return NULL;
}

// Rules 2 to 5, at the first resumption; `below` is who resumes.
MS_NOINLINE static void find_parent(const struct ms_tls *tls, struct memscope_task_record *task) {
    const struct ms_running *below = tls->top;
    struct memscope_task_record *parent = ms_task_on(below);
    if (parent && ms_mark_of(below) == MS_MARK_LEAVING)
        ms_task_set_awaiter(task, parent, MEMSCOPE_RULE_RESUMED_BY_SUSPENDING,
                            suspended_line(tls, parent));
    else if ((parent = pointed_to(task)) != NULL)
        ms_task_set_awaiter(task, parent, MEMSCOPE_RULE_PROMISE_POINTS_BACK,
                            suspended_line(tls, parent));
    else if ((parent = ms_task_on(below)) != NULL && parent != task)
        ms_task_set_parent(task, parent, MEMSCOPE_EDGE_SPAWN, MEMSCOPE_RULE_RESUMED_BY_RUNNING);
}

// `is_resume`: what is destroyed before it has run, nobody waits for.
static inline void start(struct memscope_task_record *task, bool is_resume) {
    if (is_resume && task->edge_rule != MEMSCOPE_RULE_AWAITER_HOLDS_FRAME)
        find_parent(&ms_tls, task);
    ms_bump(&ms_tasks_not_started, (uint64_t)-1);
}

// Rule 6: a coroutine that ends knows whom it will resume.
static void confirm_parent(const struct ms_tls *tls, struct memscope_task_record *task) {
    struct memscope_task_record *parent = pointed_to(task);
    if (parent)
        ms_task_set_awaiter(task, parent, MEMSCOPE_RULE_CONFIRMED_BY_END,
                            suspended_line(tls, parent));
}

#endif
