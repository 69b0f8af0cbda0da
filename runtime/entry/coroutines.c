// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hooks of C++20 coroutines (include/memscope/hooks.def). resume, suspend and pop are the hot
// ones, and the pass writes out their usual way in line where it can (abi.h): no lock, no system
// call. What begins, ends or meets something for the first time takes the
// guard. Any thread, signal handlers too.
//
// A coroutine that has no record (no room, begun inside another hook, a fork child's inheritance)
// is pushed all the same, marked unfollowed: coro_pop cannot tell whose it is.

#include "coroutine_edges.h"
#include "count_guard.h"
#include "count_timed.h"

#include "base/config.h"
#include "collect/task_class.h"
#include "collect/task_life.h"

#include <errno.h>

// ---- verify=1 ----------------------------------------------------------------------------------

static void complain(const struct memscope_task_record *task, const char *event) {
    enum { NAMED = 10 };
    static uint32_t named;
    ms_count_loss(MEMSCOPE_LOSS_task_mistakes, 1);
    if (ms_add(&named, 1u) >= NAMED)
        return;
    const struct memscope_task_class_record *class = ms_ref(task->class_ref);
    const struct memscope_string_record *name =
        class->function_ref ? ms_ref(class->function_ref) : NULL;
    static const char *const states[] = {"free",      "created",  "running",
                                         "suspended", "outlived", "kept"};
    ms_message(MS_MESSAGE_WARNING, "verify: ", event, " of a coroutine that is ",
               states[ms_load(&task->state) % 6], ": ", name ? name->text : "(no name)", NULL);
}

static void verify(const struct memscope_task_record *task, enum memscope_task_state wanted,
                   const char *event) {
    if (MS_UNLIKELY(ms_config.verify) && ms_load(&task->state) != (uint32_t)wanted)
        complain(task, event);
}

// ---- begin and end -----------------------------------------------------------------------------

// Is nothing but tasks special on this thread?
static inline bool is_usual(const struct ms_tls *tls) {
    return (tls->special & ~MS_SPECIAL_COMING) == MS_SPECIAL_TASKS && ms_load(&ms_shared.alive) &&
           (ms_single_threaded() || !ms_strategy_is_outdated(tls));
}

// As ms_slow_begin and ms_slow_end.
static inline bool task_begin(struct ms_tls *tls) {
    if (MS_UNLIKELY(!is_usual(tls)))
        return ms_slow_begin(tls);
    flags_guard_take(tls);
    return true;
}

static inline void task_end(struct ms_tls *tls) {
    if (MS_UNLIKELY(tls->special & MS_SPECIAL_EXITING))
        ms_slow_end(tls);
    else
        flags_guard_release(tls);
}

static void drop_coming(struct ms_tls *tls, struct ms_tasks *tasks) {
    if (tasks->coming && !(tasks->coming->record.flags & MEMSCOPE_TASK_FRAME_COUNTED))
        ms_task_discard(tasks, tasks->coming);
    tasks->coming = NULL;
    tls->special &= ~MS_SPECIAL_COMING;
}

MS_NOINLINE static void alloc_slow(struct memscope_coroutine *coroutine, size_t frame_bytes,
                                   struct ms_spawn spawn) {
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    if (task_begin(tls)) {
        struct ms_tasks *tasks = ms_tasks_here(tls);
        if (tasks) {
            drop_coming(tls, tasks);
            tasks->coming = ms_task_new(tasks, ms_fold_of_coroutine(tls, coroutine, spawn));
            tasks->coming_coroutine = coroutine;
            tasks->coming_bytes = frame_bytes;
            if (tasks->coming)
                tls->special |= MS_SPECIAL_COMING;
        }
        task_end(tls);
    }
    errno = saved_errno;
}

// Each of these is called again, by itself, once its time is taken.
MS_NOINLINE static void alloc_timed(struct memscope_coroutine *coroutine, size_t frame_bytes,
                                    struct ms_spawn spawn) {
    uint64_t began = start_task_timer(&ms_tls);
    __memscope_coro_alloc(coroutine, frame_bytes, spawn.site, spawn.return_address);
    stop_task_timer(&ms_tls, began);
}

MS_EXPORT void __memscope_coro_alloc(struct memscope_coroutine *coroutine, size_t frame_bytes,
                                     struct memscope_site *spawn_site, const void *return_address) {
    struct ms_tls *tls = &ms_tls;
    const struct ms_spawn spawn = {spawn_site, return_address};
    if (MS_UNLIKELY(is_task_timed(tls))) {
        alloc_timed(coroutine, frame_bytes, spawn);
        return;
    }
    if (MS_UNLIKELY(!is_usual(tls))) {
        alloc_slow(coroutine, frame_bytes, spawn);
        return;
    }
    uint64_t now = ms_sys_clock_coarse_ns();
    flags_guard_take(tls);
    struct ms_tasks *tasks = ms_tasks_in(tls->top);
    struct memscope_task_fold_record *fold = ms_fold_known(tls, coroutine, spawn);
    struct memscope_task_record *task =
        fold && !tasks->coming ? ms_task_new_usual(tls, tasks, fold, now) : NULL;
    if (MS_UNLIKELY(!task)) {
        flags_guard_release(tls);
        alloc_slow(coroutine, frame_bytes, spawn);
        return;
    }
    tasks->coming = task;
    tasks->coming_coroutine = coroutine;
    tasks->coming_bytes = frame_bytes;
    tls->special |= MS_SPECIAL_COMING;
    flags_guard_release(tls);
}

// So that ms_task_at finds it. Where a block begins in the same 32 bytes (a pool's, the frame that
// an elided one lies in) the word is that block's.
// False: the word is not mapped.
static inline bool note_frame(struct ms_tasks *tasks, const struct memscope_task_record *task) {
    uintptr_t frame = task->frame_address;
    if (!(task->record.flags & MEMSCOPE_TASK_FRAME_COUNTED)) {
        if (ms_shadow_peek(frame) != 0) {
            struct ms_recent_frame *recent = ms_recent_frame(tasks, frame);
            recent->frame = frame;
            recent->ref = ms_task_ref(task);
            return true;
        }
    }
    uint32_t *word = ms_task_word_at(frame);
    if (MS_UNLIKELY(!word))
        return false;
    ms_store(word, ms_task_ref(task));
    return true;
}

// The task that coro_alloc has made, or a new one.
static struct memscope_task_record *begin(struct ms_tls *tls, struct ms_tasks *tasks,
                                          struct memscope_coroutine *coroutine,
                                          struct ms_spawn spawn, bool elided) {
    struct memscope_task_record *task = tasks->coming;
    if (task && tasks->coming_coroutine == coroutine && !elided) {
        tasks->coming = NULL;
        tls->special &= ~MS_SPECIAL_COMING;
        return task;
    }
    drop_coming(tls, tasks);
    struct memscope_task_fold_record *fold = ms_fold_of_coroutine(tls, coroutine, spawn);
    task = ms_task_new(tasks, fold);
    if (task && elided) {
        task->record.flags |= MEMSCOPE_TASK_ELIDED;
        fold->elided++;
    }
    return task;
}

static inline void start_frame(struct memscope_task_record *task, void *frame, size_t frame_bytes) {
    task->frame_bytes = (uint32_t)frame_bytes;
    ms_store(&task->frame_address, (uint64_t)(uintptr_t)frame);
}

MS_NOINLINE static void *begin_slow(struct memscope_coroutine *coroutine, void *frame,
                                    size_t frame_bytes, struct ms_spawn spawn, bool elided) {
    struct ms_tls *tls = &ms_tls;
    struct memscope_task_record *task = NULL;
    int saved_errno = errno;
    if (task_begin(tls)) {
        struct ms_tasks *tasks = ms_tasks_here(tls);
        if (tasks) {
            if ((task = begin(tls, tasks, coroutine, spawn, elided)) != NULL) {
                start_frame(task, frame, frame_bytes);
                if (!note_frame(tasks, task) && ms_task_word_slow((uintptr_t)frame))
                    (void)note_frame(tasks, task);
                ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_RUNNING);
            }
            (void)ms_tasks_push(tls, task ? task : ms_task_running(tls),
                                task ? MS_MARK_RUNNING : MS_MARK_UNFOLLOWED);
        }
        task_end(tls);
    }
    errno = saved_errno;
    return task ? task : &ms_unfollowed;
}

// Notes a frame that a library has recycled, in the usual way: it lies in a block.
MS_HOT bool is_noted(struct ms_tasks *tasks, const struct memscope_task_record *task,
                     const void *frame) {
    uintptr_t address = (uintptr_t)frame;
    if (MS_LIKELY(task->record.flags & MEMSCOPE_TASK_FRAME_COUNTED)) // the block's word is right
        return ms_load(&task->runtime[0]) == address;
    if (ms_shadow_peek(address) == 0)
        return false;
    struct ms_recent_frame *recent = ms_recent_frame(tasks, address);
    recent->frame = address;
    recent->ref = ms_task_ref(task);
    return true;
}

MS_NOINLINE static void *begin_timed(struct memscope_coroutine *coroutine, void *frame,
                                     size_t frame_bytes, struct ms_spawn spawn, uint32_t elided) {
    uint64_t began = start_task_timer(&ms_tls);
    void *task = __memscope_coro_begin(coroutine, frame, frame_bytes, spawn.site,
                                       spawn.return_address, elided);
    stop_task_timer(&ms_tls, began);
    return task;
}

MS_EXPORT void *__memscope_coro_begin(struct memscope_coroutine *coroutine, void *frame,
                                      size_t frame_bytes, struct memscope_site *spawn_site,
                                      const void *return_address, uint32_t elided) {
    struct ms_tls *tls = &ms_tls;
    const struct ms_spawn spawn = {spawn_site, return_address};
    if (MS_UNLIKELY(is_task_timed(tls)))
        return begin_timed(coroutine, frame, frame_bytes, spawn, elided);
    // In a fork child whose flags are its parent's, the barrier stands there, or all is zero.
    if (MS_LIKELY((tls->special & ~MS_SPECIAL_COMING) == MS_SPECIAL_TASKS &&
                  tls->top[1].expected != MS_EXPECTED_BARRIER)) {
        flags_guard_take(tls); // first: a signal handler may drop the coming task
        struct ms_tasks *tasks = ms_tasks_in(tls->top);
        struct memscope_task_record *task = tasks->coming;
        if (MS_LIKELY(task && tasks->coming_coroutine == coroutine && elided == 0 &&
                      is_noted(tasks, task, frame))) {
            start_frame(task, frame, frame_bytes);
            tasks->coming = NULL;
            ms_clear_bits(&tls->special, MS_SPECIAL_COMING);
            ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_RUNNING);
            ms_tasks_push_ready(tls, task);
            flags_guard_release(tls);
            return task;
        }
        flags_guard_release(tls);
    }
    return begin_slow(coroutine, frame, frame_bytes, spawn, elided != 0);
}

// What ends or leaves a coroutine that is not followed.
static void leave_unfollowed(struct ms_tls *tls) {
    if (ms_has_own_tasks(tls) && ms_mark_of(tls->top) == MS_MARK_UNFOLLOWED)
        ms_tasks_pop(tls);
}

MS_NOINLINE static void end_slow(void *given) {
    struct ms_tls *tls = &ms_tls;
    struct memscope_task_record *task = ms_task_in(given);
    if (!ms_has_tasks(tls) || !task) {
        leave_unfollowed(tls);
        return;
    }
    int saved_errno = errno;
    verify(task, MEMSCOPE_TASK_RUNNING, "end");
    if (ms_task_running(tls) == task || ms_tasks_unwind_to(tls, task))
        ms_tasks_pop(tls);
    if (task_begin(tls)) {
        ms_task_ended(ms_tasks_in(tls->top), task);
        task_end(tls);
    }
    errno = saved_errno;
}

// Does `given`, which is followed, run here? Not where hooks are verified: its entry is marked.
MS_HOT bool runs_here(const struct ms_tls *tls, const void *given) {
    return MS_LIKELY(given && ms_load(&tls->top->task) == (uint64_t)(uintptr_t)given);
}

MS_NOINLINE static void end_timed(void *given) {
    uint64_t began = start_task_timer(&ms_tls);
    __memscope_coro_end(given);
    stop_task_timer(&ms_tls, began);
}

MS_EXPORT void __memscope_coro_end(void *given) {
    struct ms_tls *tls = &ms_tls;
    if (MS_UNLIKELY(is_task_timed(tls))) {
        end_timed(given);
        return;
    }
    if (MS_UNLIKELY(!runs_here(tls, given) || !is_usual(tls))) {
        end_slow(given);
        return;
    }
    ms_tasks_pop(tls);
    flags_guard_take(tls);
    ms_task_ended(ms_tasks_in(tls->top), given);
    flags_guard_release(tls);
}

// An exception leaves it for good, to be destroyed later: suspended, as at its final suspend point.
MS_EXPORT void __memscope_coro_unwind(void *given) {
    struct ms_tls *tls = &ms_tls;
    struct memscope_task_record *task = ms_task_in(given);
    if (!ms_has_tasks(tls) || !task) {
        leave_unfollowed(tls);
        return;
    }
    verify(task, MEMSCOPE_TASK_RUNNING, "unwind");
    if (ms_task_running(tls) != task && !ms_tasks_unwind_to(tls, task))
        return;
    ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_SUSPENDED);
    ms_tasks_pop(tls);
}

// ---- resume, suspend, pop ----------------------------------------------------------------------

// The thread's first task, a task's first resumption, another thread than before, a mistake.
MS_COLD static void enter_slow(void *given, bool is_resume) {
    struct ms_tls *tls = &ms_tls;
    struct memscope_task_record *task = ms_task_in(given);
    int saved_errno = errno;
    if (!ms_has_own_tasks(tls) && task && task_begin(tls)) {
        (void)ms_tasks_of_thread();
        task_end(tls);
    }
    errno = saved_errno;
    if (!ms_has_tasks(tls))
        return;
    if (!task) {
        (void)ms_tasks_push(tls, ms_task_running(tls), MS_MARK_UNFOLLOWED);
        return;
    }
    if (ms_acquire(&task->state) == MEMSCOPE_TASK_CREATED) {
        start(task, is_resume);
    } else {
        verify(task, MEMSCOPE_TASK_SUSPENDED, is_resume ? "resume" : "destroy");
    }
    if (task->thread_ref != tls->record_ref) {
        task->migrations++;
        ms_store(&task->thread_ref, tls->record_ref);
    }
    task->resumes++;
    ms_store(&task->state, (uint32_t)MEMSCOPE_TASK_RUNNING);
    if (!ms_tasks_push(tls, task, MS_MARK_RUNNING))
        ms_count_loss(MEMSCOPE_LOSS_task_mistakes, 1);
}

// The usual way. A task that this thread ran last is one of a thread with a shadow stack.
MS_HOT bool enter(void *given, bool is_resume) {
    struct ms_tls *tls = &ms_tls;
    struct memscope_task_record *task = ms_task_in(given);
    if (MS_UNLIKELY(!task || tls->top[1].expected == MS_EXPECTED_BARRIER))
        return false;
    // The acquire pairs with the release of coro_suspend, maybe on another thread.
    uint32_t state = ms_acquire(&task->state);
    if (MS_UNLIKELY(task->thread_ref != tls->record_ref))
        return false;
    if (MS_LIKELY(state == MEMSCOPE_TASK_CREATED)) {
        start(task, is_resume);
    } else if (MS_UNLIKELY(state != MEMSCOPE_TASK_SUSPENDED)) {
        return false;
    }
    ms_tasks_push_ready(tls, task);
    task->resumes++;
    ms_store(&task->state, (uint32_t)MEMSCOPE_TASK_RUNNING);
    return true;
}

MS_EXPORT void __memscope_coro_resume(void *given) {
    if (MS_UNLIKELY(!enter(given, true)))
        enter_slow(given, true);
}

MS_EXPORT void __memscope_coro_destroy(void *given) {
    if (MS_UNLIKELY(!enter(given, false)))
        enter_slow(given, false);
}

// False: not on this thread's shadow stack.
MS_COLD static bool suspend_slow(struct ms_tls *tls, struct memscope_task_record *task,
                                 const void *awaiter, size_t awaiter_bytes, uint32_t kind,
                                 uint32_t line) {
    verify(task, MEMSCOPE_TASK_RUNNING, "suspend");
    if (ms_task_running(tls) != task && !ms_tasks_unwind_to(tls, task))
        return false;
    if (kind == MEMSCOPE_SUSPEND_FINAL && task->edge != MEMSCOPE_EDGE_AWAIT)
        confirm_parent(tls, task);
    if (kind == MEMSCOPE_SUSPEND_INITIAL)
        ms_bump(&ms_tasks_not_started, 1);
    else if (ms_load(&ms_tasks_not_started) != 0)
        look_for_awaited(tls, task, awaiter, awaiter_bytes, line);
    return true;
}

// What this thread wrote of the task, the mark included, before anyone resumes it.
MS_HOT void leave(struct ms_tls *tls, struct memscope_task_record *task, bool is_initial) {
    ms_mark(tls->top, MS_MARK_LEAVING);
    ms_release(&task->state,
               (uint32_t)(is_initial ? MEMSCOPE_TASK_CREATED : MEMSCOPE_TASK_SUSPENDED));
}

MS_HOT void pop(struct ms_tls *tls) {
    if (!ms_has_tasks(tls))
        return;
    if (MS_UNLIKELY(ms_mark_of(tls->top) == MS_MARK_RUNNING)) {
        // At the bottom: pushed where there was no stack yet, or by a fork child's parent.
        if (ms_has_own_tasks(tls) && tls->top != ms_tasks_in(tls->top)->stack)
            ms_count_loss(MEMSCOPE_LOSS_task_mistakes, 1);
        return;
    }
    ms_tasks_pop(tls);
}

MS_NOINLINE static void suspend_and_search(void *given, const void *awaiter, size_t awaiter_bytes,
                                           uint32_t kind) {
    struct ms_tls *tls = &ms_tls;
    struct memscope_task_record *task = ms_task_in(given);
    enum memscope_suspend point = memscope_suspend_kind(kind);
    uint32_t line = kind >> MEMSCOPE_SUSPEND_LINE_SHIFT;
    if (task && ms_has_tasks(tls) && suspend_slow(tls, task, awaiter, awaiter_bytes, point, line))
        leave(tls, task, point == MEMSCOPE_SUSPEND_INITIAL);
    if (kind & MEMSCOPE_SUSPEND_AND_POP)
        pop(tls);
}

MS_EXPORT void __memscope_coro_suspend(void *given, const void *awaiter, size_t awaiter_bytes,
                                       uint32_t kind) {
    struct ms_tls *tls = &ms_tls;
    enum memscope_suspend point = memscope_suspend_kind(kind);
    bool is_initial = point == MEMSCOPE_SUSPEND_INITIAL;
    struct memscope_task_record *task = given;
    // Else there may be one to find: of those that have not started, or by rule 6.
    if (MS_UNLIKELY(!runs_here(tls, given) ||
                    (point == MEMSCOPE_SUSPEND_FINAL && task->edge != MEMSCOPE_EDGE_AWAIT))) {
        suspend_and_search(given, awaiter, awaiter_bytes, kind);
        return;
    }
    if (!is_initial && MS_UNLIKELY(ms_load(&ms_tasks_not_started) != 0))
        look_for_awaited(tls, task, awaiter, awaiter_bytes, kind >> MEMSCOPE_SUSPEND_LINE_SHIFT);
    if (is_initial)
        ms_bump(&ms_tasks_not_started, 1);
    leave(tls, task, is_initial);
    if (kind & MEMSCOPE_SUSPEND_AND_POP)
        ms_tasks_pop(tls);
}

MS_EXPORT void __memscope_coro_pop(void) {
    pop(&ms_tls);
}

MS_EXPORT void __memscope_coro_unsuspend(void *given) {
    struct ms_running *top = ms_tls.top;
    struct memscope_task_record *task = ms_task_in(given);
    if (!ms_has_tasks(&ms_tls) || !task)
        return;
    if (ms_task_on(top) != task || ms_mark_of(top) != MS_MARK_LEAVING) {
        ms_count_loss(MEMSCOPE_LOSS_task_mistakes, 1);
        return;
    }
    if (ms_load(&task->state) == MEMSCOPE_TASK_CREATED)
        start(task, false);
    else
        verify(task, MEMSCOPE_TASK_SUSPENDED, "unsuspend");
    ms_suspended_of(ms_tasks_in(top), task)->line = 0;
    ms_store(&task->state, (uint32_t)MEMSCOPE_TASK_RUNNING);
    ms_mark(top, MS_MARK_RUNNING);
}
