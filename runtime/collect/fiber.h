// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fibers: tasks with a machine stack of their own. A thread runs one at a time, above whatever it
// ran on its own stack:
//
//   shadow stack   [ root task | the thread's own … | fiber | coroutines resumed inside the fiber …
//   ]
//                                                    ^ tasks->fiber_base
//
// Switching away takes the fiber's part off and keeps it in the fiber; switching back, on whichever
// thread, puts it on again. Which fiber a stack pointer belongs to is known by its page. Under the
// guard, unless said otherwise.

#ifndef MS_FIBER_H
#define MS_FIBER_H

#include "task.h"

enum { MS_FIBER_SAVED = 14 };

extern MS_INTERNAL uint32_t ms_fibers_made; // not 0 = has been one

struct ms_fiber {
    struct memscope_task_record *task; // NULL = it has ended
    uint64_t id;                       // the task's
    uintptr_t stack_low, stack_high;   // 0 = not known (annotated)
    const void *context;               // ucontext: where it saved itself last
    uint64_t stack_record;             // the shadow's at stack_low; 0 = no heap block begins there
    uint32_t saved_count;              // entries above the fiber's own
    struct ms_running saved[MS_FIBER_SAVED];
    struct ms_fiber *next; // of the idle ones
};

// A new fiber, its task CREATED; NULL = no room (counted). `stack_low` 0 = unknown.
struct ms_fiber *ms_fiber_new(struct ms_tasks *tasks, struct memscope_task_fold_record *fold,
                              uintptr_t stack_low, uintptr_t stack_high);

// The fiber whose stack holds `address`; NULL = none. No guard needed.
struct ms_fiber *ms_fiber_at(uintptr_t address);

// The fiber of a task record; NULL = it is none, or has ended.
struct ms_fiber *ms_fiber_of(const struct memscope_task_record *task);

// The calling thread is about to run `fiber` (NULL: on its own stack).
void ms_fiber_switch(struct ms_tls *tls, struct ms_tasks *tasks, struct ms_fiber *fiber);

// Does the calling thread, whose stack `address` is of, run on another one than was told?
MS_HOT bool ms_fiber_is_untold(const struct ms_tls *tls, uintptr_t address) {
    if (MS_LIKELY(ms_load(&ms_fibers_made) == 0))
        return false;
    const struct ms_stack *stack = ms_stack_of(tls);
    return address - stack->low >= stack->high - stack->low;
}

// Goes over to the fiber whose stack that is, or to the thread's own. A stack that is neither's
// (of signals, of a library's) changes nothing.
MS_COLD void ms_fiber_follow(struct ms_tls *tls, uintptr_t address);

// Ends fibers whose end nobody told, and whose stacks are gone.
void ms_fibers_end_gone(void);

// `block`, which was freed, may have been the stack of one whose end nobody told.
MS_COLD void ms_fiber_stack_freed(struct ms_tls *tls, const void *block);

// It has left its stack, and that is a heap block that was freed meanwhile.
bool ms_fiber_stack_is_gone(const struct ms_fiber *fiber);

// It is over and not running. Does nothing where it had ended already.
void ms_fiber_end(struct ms_tasks *tasks, struct ms_fiber *fiber);

// A fork child: forget all.
void ms_fibers_restart(void);

#endif
