// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fibers of ucontext and Boost.Context, seen where anybody calls the functions that switch: they
// are interposed. Which fiber a context is, its saved stack pointer tells (fiber.h); what belongs
// to no known stack is the thread's own. Switching is not for signal handlers; errno is kept.

#include "count.h"
#include "interpose.h"
#include "real.h"
#include "start.h"

#include "collect/fiber.h"
#include "collect/task_class.h"
#include "store/modules.h"

#include <errno.h>
#include <ucontext.h>

// Everything between is under the guard; tasks NULL = the switch goes unseen.
static struct ms_tasks *begin(struct ms_tls *tls) {
    struct ms_tasks *tasks = NULL;
    if (ms_slow_begin(tls) && !(tasks = ms_tasks_of_thread()))
        ms_slow_end(tls);
    return tasks;
}

// In a static program, where ours hide libc's (the wrappers link these in: -u).
extern int __swapcontext(ucontext_t *, const ucontext_t *) __attribute__((weak));
extern int __setcontext(const ucontext_t *) __attribute__((weak));

static const void *real_of(const char *name, const void *own, const void *in_static) {
    return ms_real.is_static ? in_static : ms_real_symbol(name, own);
}

// ---- ucontext ----------------------------------------------------------------------------------

// A context that makecontext made returns to a function of libc's that resumes uc_link, unseen. The
// thunk put in its way ends the fiber first.
static void *real_return;

__attribute__((used, visibility("hidden"))) void ms_ucontext_returned(void) {
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    struct ms_tasks *tasks = begin(tls);
    if (tasks) {
        struct ms_fiber *fiber = tasks->fiber;
        ms_fiber_switch(tls, tasks, NULL);
        if (fiber)
            ms_fiber_end(tasks, fiber);
        ms_slow_end(tls);
    }
    errno = saved_errno;
}

__attribute__((used, visibility("hidden"))) const void *ms_ucontext_real_return(void) {
    return ms_load(&real_return);
}

// Is it as makecontext made it? Then it returns to libc, and nobody has run on its stack.
static bool is_fresh(ucontext_t *context, uintptr_t low, uintptr_t high) {
    const uintptr_t most_arguments_bytes = 1024;
    uintptr_t pointer = ms_context_stack_pointer(context);
    if (low == 0 || pointer <= low || pointer >= high || high - pointer > most_arguments_bytes)
        return false;
    void *target = *ms_context_return_place(context), *known = ms_load(&real_return);
    struct ms_module_facts facts;
    return known ? target == known : ms_module_find(target, &facts);
}

// Before anything runs on its stack.
static void watch_return(ucontext_t *context) {
    void **place = ms_context_return_place(context);
    ms_store(&real_return, *place); // the same for every context: libc's
    *place = (void *)ms_context_return_thunk;
}

// The fiber that `context` will run; made when it is switched to for the first time.
static struct ms_fiber *fiber_of(struct ms_tasks *tasks, ucontext_t *context,
                                 const void *return_address) {
    struct ms_fiber *fiber = ms_fiber_at(ms_context_stack_pointer(context));
    uintptr_t low = (uintptr_t)context->uc_stack.ss_sp;
    uintptr_t high = low + context->uc_stack.ss_size;
    if ((fiber && fiber->context == context) || !is_fresh(context, low, high))
        return fiber;
    struct ms_spawn spawn = {.return_address = return_address};
    const void *function = ms_context_entry(context);
    fiber =
        ms_fiber_new(tasks, ms_fold_of_address(MEMSCOPE_TASK_FIBER, function, spawn), low, high);
    if (fiber) {
        fiber->context = context;
        watch_return(context);
    }
    return fiber;
}

static void note_switch(ucontext_t *from, const ucontext_t *to, const void *return_address) {
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    struct ms_tasks *tasks = begin(tls);
    if (tasks) {
        if (tasks->fiber)
            tasks->fiber->context =
                from; // so that the next one made for this stack is told from it
        ms_fiber_switch(tls, tasks, fiber_of(tasks, (ucontext_t *)to, return_address));
        ms_slow_end(tls);
    }
    errno = saved_errno;
}

// A switch that failed has switched nothing.
static void note_failed(struct ms_fiber *before) {
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    struct ms_tasks *tasks = begin(tls);
    if (tasks) {
        ms_fiber_switch(tls, tasks, before);
        ms_slow_end(tls);
    }
    errno = saved_errno;
}

static struct ms_fiber *running_fiber(void) {
    return ms_tls.thread && ms_tls.thread->tasks ? ms_tls.thread->tasks->fiber : NULL;
}

MS_INTERPOSE(int, swapcontext, (ucontext_t * from, const ucontext_t *to)) {
    int (*real)(ucontext_t *, const ucontext_t *) =
        (int (*)(ucontext_t *, const ucontext_t *))real_of(
            "swapcontext", (const void *)ms_own_swapcontext, (const void *)__swapcontext);
    if (!real) {
        errno = ENOSYS;
        return -1;
    }
    struct ms_fiber *before = running_fiber();
    note_switch(from, to, __builtin_return_address(0));
    int result = real(from, to);
    if (result != 0)
        note_failed(before);
    return result;
}

MS_INTERPOSE(int, setcontext, (const ucontext_t *to)) {
    int (*real)(const ucontext_t *) = (int (*)(const ucontext_t *))real_of(
        "setcontext", (const void *)ms_own_setcontext, (const void *)__setcontext);
    if (!real) {
        errno = ENOSYS;
        return -1;
    }
    struct ms_fiber *before = running_fiber();
    note_switch(NULL, to, __builtin_return_address(0));
    int result = real(to);
    note_failed(before);
    return result;
}

// ---- Boost.Context -----------------------------------------------------------------------------

struct transfer {
    void *context;
    void *data;
};

typedef struct transfer transfer_function(struct transfer);
typedef void *make_function(void *stack_top, size_t bytes, void (*enter)(struct transfer));
typedef struct transfer jump_function(void *to, void *data);
typedef struct transfer ontop_function(void *to, void *data, transfer_function *on_top);

void *ms_own_make_fcontext(void *, size_t, void (*)(struct transfer));
struct transfer ms_own_jump_fcontext(void *, void *);
struct transfer ms_own_ontop_fcontext(void *, void *, transfer_function *);

MS_INTERPOSE(void *, make_fcontext,
             (void *stack_top, size_t bytes, void (*enter)(struct transfer))) {
    make_function *real =
        (make_function *)real_of("make_fcontext", (const void *)ms_own_make_fcontext, NULL);
    if (!real)
        return NULL;
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    struct ms_tasks *tasks = begin(tls);
    if (tasks) {
        struct ms_spawn spawn = {.return_address = __builtin_return_address(0)};
        uintptr_t high = (uintptr_t)stack_top;
        (void)ms_fiber_new(tasks,
                           ms_fold_of_address(MEMSCOPE_TASK_FIBER, (const void *)enter, spawn),
                           high - bytes, high);
        ms_slow_end(tls);
    }
    errno = saved_errno;
    return real(stack_top, bytes, enter);
}

static struct ms_fiber *note_jump(void *to) {
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    struct ms_tasks *tasks = begin(tls);
    struct ms_fiber *here = NULL;
    if (tasks) {
        here = tasks->fiber;
        tasks->jumped_from = here;
        ms_fiber_switch(tls, tasks, ms_fiber_at((uintptr_t)to));
        ms_slow_end(tls);
    }
    errno = saved_errno;
    return here;
}

// Back in `here`, perhaps on another thread. Who jumped here has ended if it left no context (which
// a function on top may have kept for itself) and no stack. One whose stack is no heap block ends
// when that is another fiber's.
static void note_return(struct ms_fiber *here, struct transfer transfer) {
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    struct ms_tasks *tasks = begin(tls);
    if (tasks) {
        ms_fiber_switch(tls, tasks, here);
        if (!transfer.context && tasks->jumped_from && tasks->jumped_from != here &&
            ms_fiber_stack_is_gone(tasks->jumped_from))
            ms_fiber_end(tasks, tasks->jumped_from);
        tasks->jumped_from = NULL;
        ms_slow_end(tls);
    }
    errno = saved_errno;
}

MS_INTERPOSE(struct transfer, jump_fcontext, (void *to, void *data)) {
    jump_function *real =
        (jump_function *)real_of("jump_fcontext", (const void *)ms_own_jump_fcontext, NULL);
    if (!real)
        return (struct transfer){0};
    struct ms_fiber *here = note_jump(to);
    struct transfer transfer = real(to, data);
    note_return(here, transfer);
    return transfer;
}

MS_INTERPOSE(struct transfer, ontop_fcontext, (void *to, void *data, transfer_function *on_top)) {
    ontop_function *real =
        (ontop_function *)real_of("ontop_fcontext", (const void *)ms_own_ontop_fcontext, NULL);
    if (!real)
        return (struct transfer){0};
    struct ms_fiber *here = note_jump(to);
    struct transfer transfer = real(to, data, on_top);
    note_return(here, transfer);
    return transfer;
}
