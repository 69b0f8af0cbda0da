// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks by hand, for what the compiler cannot see: scopes (a request, a query), state machines that
// an executor drives, fibers of a library of your own. Threads, C++20 coroutines, ucontext and
// Boost.Context need none of this. C11 and C++.
//
// Each call costs a test of a pointer where no runtime is present, and then returns
// MEMSCOPE_NOT_LINKED (or the task 0). All may be called from any thread, none from a signal
// handler that may have interrupted an allocation; errno is kept. A call that does not fit the
// task's state (ended twice, ended on another thread than it runs on, a switch to a destroyed
// fiber) changes nothing, is counted in the profile as `task_mistakes` and returns
// MEMSCOPE_MISTAKE.

#ifndef MEMSCOPE_TASKS_H
#define MEMSCOPE_TASKS_H

#include "status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Names a task, for as long as the process lives: never used twice. 0 = none.
typedef uint64_t memscope_task;

// What a task holds. Bytes are requested ones.
struct memscope_task_statistics {
    uint64_t allocations;
    uint64_t total_bytes;
    uint64_t live_bytes; // not yet freed, by whomever
    uint64_t peak_bytes; // highest live_bytes at one of its allocations; of a thread's root task:
                         // of all that was allocated on that thread
};

// The runtime's side; call the functions below.
#define MEMSCOPE_WEAK __attribute__((weak, visibility("default")))
MEMSCOPE_WEAK memscope_task __memscope_task_create(const char *name);
MEMSCOPE_WEAK memscope_status __memscope_task_resume(memscope_task task);
MEMSCOPE_WEAK memscope_status __memscope_task_suspend(memscope_task task);
MEMSCOPE_WEAK memscope_status __memscope_task_end(memscope_task task);
MEMSCOPE_WEAK memscope_task __memscope_task_current(void);
MEMSCOPE_WEAK memscope_status __memscope_task_set_name(const char *name);
MEMSCOPE_WEAK memscope_status __memscope_task_set_label(const char *label);
MEMSCOPE_WEAK memscope_status __memscope_task_detach(void);
MEMSCOPE_WEAK memscope_status __memscope_task_get(struct memscope_task_statistics *out);
MEMSCOPE_WEAK memscope_task __memscope_fiber_create(const char *name);
MEMSCOPE_WEAK memscope_status __memscope_fiber_switch(memscope_task fiber);
MEMSCOPE_WEAK memscope_status __memscope_fiber_destroy(memscope_task fiber);
#undef MEMSCOPE_WEAK

// Inlined always, and with the caller's line: the place of a call is the caller's.
#ifdef __clang__
#define MEMSCOPE_AT_CALLER __attribute__((always_inline, nodebug)) inline
#else
#define MEMSCOPE_AT_CALLER __attribute__((always_inline, artificial)) inline
#endif

#define MEMSCOPE_CALL(name, arguments, otherwise)                                                  \
    (__memscope_##name ? __memscope_##name arguments : (otherwise))

// ---- tasks that an executor of your own runs ---------------------------------------------------

// A new task, not running yet, child of the current one. `name` (not NULL, copied) and the place of
// the call make its class: use few names, and labels for what differs.
static MEMSCOPE_AT_CALLER memscope_task memscope_task_create(const char *name) {
    return MEMSCOPE_CALL(task_create, (name), 0);
}

// The calling thread runs `task` from here on: what it allocates is the task's. Tasks nest. The
// task must not be running.
static MEMSCOPE_AT_CALLER memscope_status memscope_task_resume(memscope_task task) {
    return MEMSCOPE_CALL(task_resume, (task), MEMSCOPE_NOT_LINKED);
}

// The calling thread goes on with what it ran before. Any thread may then resume `task`.
static MEMSCOPE_AT_CALLER memscope_status memscope_task_suspend(memscope_task task) {
    return MEMSCOPE_CALL(task_suspend, (task), MEMSCOPE_NOT_LINKED);
}

// The task is over: it is suspended, or runs on the calling thread.
static MEMSCOPE_AT_CALLER memscope_status memscope_task_end(memscope_task task) {
    return MEMSCOPE_CALL(task_end, (task), MEMSCOPE_NOT_LINKED);
}

// A scope as a task of its own: created and resumed. End it with memscope_task_end.
static MEMSCOPE_AT_CALLER memscope_task memscope_task_begin(const char *name) {
    memscope_task task = MEMSCOPE_CALL(task_create, (name), 0);
    if (task)
        (void)MEMSCOPE_CALL(task_resume, (task), MEMSCOPE_NOT_LINKED);
    return task;
}

// ---- the current task --------------------------------------------------------------------------

// 0 = the thread's root task, or no runtime.
static MEMSCOPE_AT_CALLER memscope_task memscope_task_current(void) {
    return MEMSCOPE_CALL(task_current, (), 0);
}

// Names the current task in reports, whatever its class is called. Copied; NULL takes it away.
static MEMSCOPE_AT_CALLER memscope_status memscope_task_set_name(const char *name) {
    return MEMSCOPE_CALL(task_set_name, (name), MEMSCOPE_NOT_LINKED);
}

// A word of your own on the current task: a request id, a query. Copied; NULL takes it away. At
// most 65,536 different names and labels are kept a process; further ones read "(more labels)".
static MEMSCOPE_AT_CALLER memscope_status memscope_task_set_label(const char *label) {
    return MEMSCOPE_CALL(task_set_label, (label), MEMSCOPE_NOT_LINKED);
}

// Nobody waits for the current task: its edge to its parent is a spawn, whatever it looked like.
static MEMSCOPE_AT_CALLER memscope_status memscope_task_detach(void) {
    return MEMSCOPE_CALL(task_detach, (), MEMSCOPE_NOT_LINKED);
}

// What the current task holds right now. MEMSCOPE_INVALID_ARGUMENT: `out` is NULL.
static MEMSCOPE_AT_CALLER memscope_status
memscope_task_get_statistics(struct memscope_task_statistics *out) {
    return MEMSCOPE_CALL(task_get, (out), MEMSCOPE_NOT_LINKED);
}

// ---- fibers ------------------------------------------------------------------------------------

// A fiber with a stack of its own, not running yet. `name` as for memscope_task_create.
static MEMSCOPE_AT_CALLER memscope_task memscope_fiber_create(const char *name) {
    return MEMSCOPE_CALL(fiber_create, (name), 0);
}

// Right before the calling thread switches to that fiber's stack; 0 = to the thread's own. Tasks
// that the fiber left running go on when it is switched to again.
static MEMSCOPE_AT_CALLER memscope_status memscope_fiber_switch(memscope_task fiber) {
    return MEMSCOPE_CALL(fiber_switch, (fiber), MEMSCOPE_NOT_LINKED);
}

// The fiber is over; it is not running.
static MEMSCOPE_AT_CALLER memscope_status memscope_fiber_destroy(memscope_task fiber) {
    return MEMSCOPE_CALL(fiber_destroy, (fiber), MEMSCOPE_NOT_LINKED);
}

#undef MEMSCOPE_CALL

#ifdef __cplusplus
} // extern "C"

namespace memscope {

// memscope_task_begin and memscope_task_end, by the life of an object on the stack.
class task_scope {
  public:
    MEMSCOPE_AT_CALLER explicit task_scope(const char *name) : task(memscope_task_begin(name)) {
    }
    ~task_scope() {
        (void)memscope_task_end(task);
    }
    task_scope(const task_scope &) = delete;
    task_scope &operator=(const task_scope &) = delete;

  private:
    memscope_task task;
};

} // namespace memscope
#endif

#undef MEMSCOPE_AT_CALLER

#endif
