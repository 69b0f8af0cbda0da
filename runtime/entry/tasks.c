// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public calls about tasks and fibers (include/memscope/tasks.h). Slow paths: each takes the
// guard.

#include "count.h"

#include "base/config.h"
#include "collect/fiber.h"
#include "collect/task_class.h"
#include "context/context.h"
#include "store/records.h"

#include <errno.h>
#include <memscope/tasks.h>

// Around each call: `tasks` NULL = not now. errno is kept.
struct call {
    struct ms_tls *tls;
    struct ms_tasks *tasks;
    int saved_errno;
};

static struct call call_begin(void) {
    struct call call = {.tls = &ms_tls, .tasks = NULL, .saved_errno = errno};
    if (ms_slow_begin(call.tls) && !(call.tasks = ms_tasks_of_thread()))
        ms_slow_end(call.tls);
    if (!call.tasks)
        errno = call.saved_errno;
    return call;
}

static memscope_status call_end_counted(struct call call, memscope_status status) {
    ms_slow_end(call.tls);
    errno = call.saved_errno;
    return status;
}

static memscope_status call_end(struct call call, memscope_status status) {
    if (status == MEMSCOPE_MISTAKE)
        ms_count_loss(MEMSCOPE_LOSS_task_mistakes, 1);
    return call_end_counted(call, status);
}

// A handle is the record's ref and the low half of the task's id, so that one of an ended task is
// known although its record has another by now.
static memscope_task handle_of(const struct memscope_task_record *task) {
    return task ? (uint64_t)ms_task_ref(task) << 32 | (uint32_t)task->id : 0;
}

static struct memscope_task_record *task_of(memscope_task handle) {
    struct memscope_task_record *task = ms_task_of((uint32_t)(handle >> 32));
    if (!task || ms_load(&task->record.type) != MEMSCOPE_RECORD_TASK ||
        (uint32_t)task->id != (uint32_t)handle)
        return NULL;
    uint32_t state = ms_acquire(&task->state);
    bool alive = state == MEMSCOPE_TASK_CREATED || state == MEMSCOPE_TASK_RUNNING ||
                 state == MEMSCOPE_TASK_SUSPENDED;
    return alive ? task : NULL;
}

static uint32_t kind_of(const struct memscope_task_record *task) {
    return ((const struct memscope_task_class_record *)ms_ref(task->class_ref))->kind;
}

// ---- tasks -------------------------------------------------------------------------------------

static memscope_task create(enum memscope_task_kind kind, const char *name,
                            const void *return_address) {
    struct call call = call_begin();
    if (!call.tasks)
        return 0;
    struct ms_spawn spawn = {.return_address = return_address};
    struct memscope_task_fold_record *fold =
        ms_fold_of_name(kind, name ? name : "(no name)", spawn);
    struct memscope_task_record *task = NULL;
    if (kind == MEMSCOPE_TASK_FIBER) {
        struct ms_fiber *fiber = ms_fiber_new(call.tasks, fold, 0, 0);
        task = fiber ? fiber->task : NULL;
    } else {
        task = ms_task_new(call.tasks, fold);
    }
    (void)call_end(call, MEMSCOPE_OK);
    return handle_of(task);
}

MS_EXPORT memscope_task __memscope_task_create(const char *name) {
    return create(MEMSCOPE_TASK_SCOPE, name, __builtin_return_address(0));
}

MS_EXPORT memscope_status __memscope_task_resume(memscope_task handle) {
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    struct memscope_task_record *task = task_of(handle);
    if (!task || ms_load(&task->state) == MEMSCOPE_TASK_RUNNING ||
        kind_of(task) != MEMSCOPE_TASK_SCOPE || !ms_tasks_push(call.tls, task, MS_MARK_RUNNING))
        return call_end(call, MEMSCOPE_MISTAKE);
    if (task->thread_ref != call.tls->record_ref) {
        task->migrations += task->resumes > 0;
        ms_store(&task->thread_ref, call.tls->record_ref);
    }
    task->resumes++;
    ms_store(&task->state, (uint32_t)MEMSCOPE_TASK_RUNNING);
    return call_end(call, MEMSCOPE_OK);
}

// Takes a task that runs on this thread off the shadow stack; what was left above it goes, too.
static bool take_off(struct call call, struct memscope_task_record *task) {
    if (ms_task_running(call.tls) != task && !ms_tasks_unwind_to(call.tls, task))
        return false;
    ms_tasks_pop(call.tls);
    return true;
}

MS_EXPORT memscope_status __memscope_task_suspend(memscope_task handle) {
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    struct memscope_task_record *task = task_of(handle);
    if (!task || kind_of(task) != MEMSCOPE_TASK_SCOPE || ms_task_running(call.tls) != task)
        return call_end(call, MEMSCOPE_MISTAKE);
    ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_SUSPENDED); // pairs with task_of's acquire
    ms_tasks_pop(call.tls);
    return call_end(call, MEMSCOPE_OK);
}

MS_EXPORT memscope_status __memscope_task_end(memscope_task handle) {
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    struct memscope_task_record *task = task_of(handle);
    if (!task || kind_of(task) != MEMSCOPE_TASK_SCOPE)
        return call_end(call, MEMSCOPE_MISTAKE);
    if (ms_load(&task->state) == MEMSCOPE_TASK_RUNNING && !take_off(call, task))
        return call_end_counted(call, MEMSCOPE_MISTAKE); // by ms_tasks_unwind_to
    ms_task_ended(call.tasks, task);
    return call_end(call, MEMSCOPE_OK);
}

// ---- the current task --------------------------------------------------------------------------

MS_EXPORT memscope_task __memscope_task_current(void) {
    return handle_of(ms_task_running(&ms_tls));
}

// Strings stay in the profile: their number is bounded.
static uint32_t bounded_string(const char *text) {
    enum { MOST = 65536 };
    static uint32_t given;
    if (!text)
        return 0;
    if (ms_load(&given) >= MOST)
        return ms_record_string("(more labels)");
    const uint64_t *end = &ms_shared.header->arena_end_units;
    uint64_t before = ms_load(end);
    uint32_t ref = ms_record_string(text);
    if (ms_load(end) != before) // a new one, or another thread's record
        ms_add(&given, 1u);
    return ref;
}

MS_EXPORT memscope_status __memscope_task_set_name(const char *name) {
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    if (!ms_task_running(call.tls))
        return call_end(call, MEMSCOPE_MISTAKE);
    ms_store(&ms_task_running(call.tls)->name_ref, bounded_string(name));
    return call_end(call, MEMSCOPE_OK);
}

MS_EXPORT memscope_status __memscope_task_set_label(const char *label) {
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    if (!ms_task_running(call.tls))
        return call_end(call, MEMSCOPE_MISTAKE);
    ms_store(&ms_task_running(call.tls)->label_ref, bounded_string(label));
    return call_end(call, MEMSCOPE_OK);
}

MS_EXPORT memscope_status __memscope_task_detach(void) {
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    if (!ms_task_running(call.tls))
        return call_end(call, MEMSCOPE_MISTAKE);
    struct memscope_task_record *task = ms_task_running(call.tls);
    task->edge = MEMSCOPE_EDGE_SPAWN;
    task->edge_rule = MEMSCOPE_RULE_ANNOTATED;
    if (ms_config.depth != 0)
        task->awaiter_ref = ms_context_awaiter(task->class_ref, 0, 0);
    return call_end(call, MEMSCOPE_OK);
}

static struct memscope_task_statistics of_task(const struct memscope_task_record *task) {
    uint64_t total = task->bytes + ms_load(&task->late_bytes);
    return (struct memscope_task_statistics){
        .allocations = task->allocations + ms_load(&task->late_allocations),
        .total_bytes = total,
        .live_bytes = total - task->freed_bytes - ms_load(&task->remote_freed_bytes),
        .peak_bytes = ms_load(&task->peak_bytes),
    };
}

// The root task is what the thread's cells without a class say.
static struct memscope_task_statistics of_root(const struct ms_thread *thread) {
    struct memscope_task_statistics sum = {0};
    for (uint64_t i = 0; i < thread->slot_count; i++) {
        const struct memscope_cell_record *cell = thread->slots[i].cell;
        if (!cell || thread->slots[i].plain == MS_PLAIN_ALIAS || cell->class_ref != 0)
            continue;
        sum.allocations += memscope_cell_allocations(cell);
        sum.total_bytes += cell->bytes;
        sum.live_bytes += cell->bytes - cell->freed_bytes - ms_load(&cell->remote_freed_bytes);
    }
    sum.peak_bytes = ms_single_threaded() ? ms_load(&ms_shared.header->peak_live_bytes)
                                          : ms_load(&thread->record->peak_bytes);
    return sum;
}

MS_EXPORT memscope_status __memscope_task_get(struct memscope_task_statistics *out) {
    if (!out)
        return MEMSCOPE_INVALID_ARGUMENT;
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    *out =
        ms_task_running(call.tls) ? of_task(ms_task_running(call.tls)) : of_root(call.tls->thread);
    return call_end(call, MEMSCOPE_OK);
}

// ---- fibers by annotation ----------------------------------------------------------------------

MS_EXPORT memscope_task __memscope_fiber_create(const char *name) {
    return create(MEMSCOPE_TASK_FIBER, name, __builtin_return_address(0));
}

MS_EXPORT memscope_status __memscope_fiber_switch(memscope_task handle) {
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    struct memscope_task_record *task = handle ? task_of(handle) : NULL;
    struct ms_fiber *fiber = task ? ms_fiber_of(task) : NULL;
    bool elsewhere =
        fiber && ms_load(&task->state) == MEMSCOPE_TASK_RUNNING && call.tasks->fiber != fiber;
    if (handle && (!fiber || elsewhere))
        return call_end(call, MEMSCOPE_MISTAKE);
    ms_fiber_switch(call.tls, call.tasks, fiber);
    return call_end(call, MEMSCOPE_OK);
}

MS_EXPORT memscope_status __memscope_fiber_destroy(memscope_task handle) {
    struct call call = call_begin();
    if (!call.tasks)
        return MEMSCOPE_NOT_LINKED;
    struct memscope_task_record *task = task_of(handle);
    struct ms_fiber *fiber = task ? ms_fiber_of(task) : NULL;
    if (!fiber || ms_load(&task->state) == MEMSCOPE_TASK_RUNNING)
        return call_end(call, MEMSCOPE_MISTAKE);
    ms_fiber_end(call.tasks, fiber);
    return call_end(call, MEMSCOPE_OK);
}
