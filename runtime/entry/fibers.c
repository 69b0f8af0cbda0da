// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fibers of ucontext and Boost.Context, seen where anybody calls the functions that switch: they
// are interposed, and instrumented code calls hooks in their place, which call what the program
// would have called. Which fiber a context is, its saved stack pointer tells (fiber.h); what
// belongs to no known stack is the thread's own. Switching is not for signal handlers; errno is
// kept.

#include "count.h"
#include "interpose.h"
#include "real.h"
#include "start.h"

#include "base/config.h"
#include "collect/fiber.h"
#include "collect/task_class.h"
#include "store/modules.h"

#include <errno.h>
#include <memscope/abi.h>
#include <ucontext.h>

// What a hook calls may be ours, straight or through a stub of the linker's: a switch is noted by
// the hook, then, which our function knows by its return address. Hooks stand in a section of their
// own, and none of them ends in a jump. Weak: a linker may drop what nobody calls.
#define MS_SWITCH_HOOK MS_EXPORT __attribute__((section("ms_switch_hooks")))
extern const char __start_ms_switch_hooks[] MS_INTERNAL __attribute__((weak));
extern const char __stop_ms_switch_hooks[] MS_INTERNAL __attribute__((weak));

static bool is_noted(const void *return_address) {
    uintptr_t address = (uintptr_t)return_address, first = (uintptr_t)__start_ms_switch_hooks;
    return address >= first && address < (uintptr_t)__stop_ms_switch_hooks;
}

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

#if MS_INTERPOSES && !defined(MEMSCOPE_STATIC_RUNTIME)
// What ms_own_makecontext goes on at.
__attribute__((used, visibility("hidden"))) const void *
ms_ucontext_making(ucontext_t *context, const void *return_address) {
    static const void *real;
    const void *known = ms_load(&real); // the same for every thread
    if (!known) {
        int saved_errno = errno;
        known = ms_real_symbol("makecontext", (const void *)ms_own_makecontext);
        ms_store(&real, known);
        errno = saved_errno;
    }
    ms_context_note_maker(context, return_address);
    return known;
}
#endif

MS_EXPORT void __memscope_making_context(void *context) {
    ms_context_note_maker(context, __builtin_return_address(0));
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

// The fiber that `context` will run; made when it is switched to for the first time. Its spawn
// place is where the context was made; where that was not seen, that of this switch.
static struct ms_fiber *fiber_of(struct ms_tasks *tasks, ucontext_t *context,
                                 const void *return_address) {
    struct ms_fiber *fiber = ms_fiber_at(ms_context_stack_pointer(context));
    uintptr_t low = (uintptr_t)context->uc_stack.ss_sp;
    uintptr_t high = low + context->uc_stack.ss_size;
    if ((fiber && fiber->context == context) || !is_fresh(context, low, high))
        return fiber;
    const void *maker = ms_context_maker(context), *function = ms_context_entry(context);
    struct ms_spawn spawn = {.return_address = maker ? maker : return_address};
    fiber = ms_fiber_new(tasks, ms_fold_of_fiber(function, 0, spawn), low, high);
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

typedef int swap_function(ucontext_t *from, const ucontext_t *to);
typedef int set_function(const ucontext_t *to);

MS_SWITCH_HOOK int __memscope_swapcontext(void *from, const void *to, const void *callee) {
    struct ms_fiber *before = running_fiber();
    note_switch(from, to, __builtin_return_address(0));
    int result = ((swap_function *)callee)(from, to);
    if (result != 0)
        note_failed(before);
    return result;
}

MS_INTERPOSE(int, swapcontext, (ucontext_t * from, const ucontext_t *to)) {
    swap_function *real = (swap_function *)real_of("swapcontext", (const void *)ms_own_swapcontext,
                                                   (const void *)__swapcontext);
    if (!real) {
        errno = ENOSYS;
        return -1;
    }
    if (is_noted(__builtin_return_address(0)))
        return real(from, to);
    struct ms_fiber *before = running_fiber();
    note_switch(from, to, __builtin_return_address(0));
    int result = real(from, to);
    if (result != 0)
        note_failed(before);
    return result;
}

MS_SWITCH_HOOK int __memscope_setcontext(const void *to, const void *callee) {
    struct ms_fiber *before = running_fiber();
    note_switch(NULL, to, __builtin_return_address(0));
    int result = ((set_function *)callee)(to);
    note_failed(before);
    return result;
}

MS_INTERPOSE(int, setcontext, (const ucontext_t *to)) {
    set_function *real = (set_function *)real_of("setcontext", (const void *)ms_own_setcontext,
                                                 (const void *)__setcontext);
    if (!real) {
        errno = ENOSYS;
        return -1;
    }
    if (is_noted(__builtin_return_address(0)))
        return real(to);
    struct ms_fiber *before = running_fiber();
    note_switch(NULL, to, __builtin_return_address(0));
    int result = real(to);
    note_failed(before);
    return result;
}

// ---- Boost.Context -----------------------------------------------------------------------------

typedef struct memscope_transfer transfer_function(struct memscope_transfer);
typedef void enter_function(struct memscope_transfer);
typedef void *make_function(void *stack_top, size_t bytes, enter_function *enter);
typedef struct memscope_transfer jump_function(void *to, void *data);
typedef struct memscope_transfer ontop_function(void *to, void *data, transfer_function *on_top);

make_function ms_own_make_fcontext;
jump_function ms_own_jump_fcontext;
ontop_function ms_own_ontop_fcontext;

// The library's function; where it is missing the program cannot go on, and should know why.
static const void *fcontext_of(const char *name, const void *own) {
    const void *real = real_of(name, own, NULL);
    if (!real)
        ms_give_up(name,
                   " is missing: where libboost_context.a is linked, MemScope's runtime must "
                   "come after it",
                   NULL);
    return real;
}

static void note_make(void *stack_top, size_t bytes, enter_function *enter,
                      const void *return_address) {
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    struct ms_tasks *tasks = begin(tls);
    if (tasks) {
        struct ms_spawn spawn = {.return_address = return_address};
        uintptr_t high = (uintptr_t)stack_top;
        (void)ms_fiber_new(
            tasks, ms_fold_of_fiber((const void *)enter, MEMSCOPE_TASK_CLASS_FCONTEXT, spawn),
            high - bytes, high);
        ms_slow_end(tls);
    }
    errno = saved_errno;
}

MS_SWITCH_HOOK void *__memscope_make_fcontext(void *stack_top, size_t bytes, enter_function *enter,
                                              const void *callee) {
    void *made = ((make_function *)callee)(stack_top, bytes, enter);
    note_make(stack_top, bytes, enter, __builtin_return_address(0));
    return made;
}

MS_INTERPOSE(void *, make_fcontext, (void *stack_top, size_t bytes, enter_function *enter)) {
    make_function *real =
        (make_function *)fcontext_of("make_fcontext", (const void *)ms_own_make_fcontext);
    if (!real)
        return NULL;
    if (!is_noted(__builtin_return_address(0)))
        note_make(stack_top, bytes, enter, __builtin_return_address(0));
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
static void note_return(struct ms_fiber *here, struct memscope_transfer transfer) {
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

MS_SWITCH_HOOK struct memscope_transfer __memscope_jump_fcontext(void *to, void *data,
                                                                 const void *callee) {
    struct ms_fiber *here = note_jump(to);
    struct memscope_transfer transfer = ((jump_function *)callee)(to, data);
    note_return(here, transfer);
    return transfer;
}

MS_INTERPOSE(struct memscope_transfer, jump_fcontext, (void *to, void *data)) {
    jump_function *real =
        (jump_function *)fcontext_of("jump_fcontext", (const void *)ms_own_jump_fcontext);
    if (!real)
        return (struct memscope_transfer){0};
    if (is_noted(__builtin_return_address(0)))
        return real(to, data);
    struct ms_fiber *here = note_jump(to);
    struct memscope_transfer transfer = real(to, data);
    note_return(here, transfer);
    return transfer;
}

MS_SWITCH_HOOK struct memscope_transfer
__memscope_ontop_fcontext(void *to, void *data, transfer_function *on_top, const void *callee) {
    struct ms_fiber *here = note_jump(to);
    struct memscope_transfer transfer = ((ontop_function *)callee)(to, data, on_top);
    note_return(here, transfer);
    return transfer;
}

MS_INTERPOSE(struct memscope_transfer, ontop_fcontext,
             (void *to, void *data, transfer_function *on_top)) {
    ontop_function *real =
        (ontop_function *)fcontext_of("ontop_fcontext", (const void *)ms_own_ontop_fcontext);
    if (!real)
        return (struct memscope_transfer){0};
    if (is_noted(__builtin_return_address(0)))
        return real(to, data, on_top);
    struct ms_fiber *here = note_jump(to);
    struct memscope_transfer transfer = real(to, data, on_top);
    note_return(here, transfer);
    return transfer;
}
