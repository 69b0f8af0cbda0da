// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One step up a stack by the unwind tables (.eh_frame, found through PT_GNU_EH_FRAME), for code
// that keeps no frame pointer. Async-signal-safe: no lock, no allocation, no system call; reads
// stacks inside the bounds it is given and tables of modules that are loaded, nothing else.
//
// Of the registers it follows the stack pointer and the frame pointer. Code whose frame is found by
// another one is not unwound.

#ifndef MS_UNWIND_H
#define MS_UNWIND_H

#include "platform/platform.h"

// A function about to be returned to, or that a signal has interrupted.
struct ms_unwind_state {
    uintptr_t pc;
    uintptr_t sp;
    uintptr_t fp;
    bool is_interrupted; // pc is the instruction it goes on with, not one behind a call
};

// A stack's memory: nothing outside [low, low + bytes) is read.
struct ms_stack_bounds {
    uintptr_t low;
    uintptr_t bytes;
};

enum ms_unwind_result {
    MS_UNWIND_CALLER, // `state` is the caller's now
    MS_UNWIND_ROOT,   // the outermost function: its return address is undefined, or zero
    MS_UNWIND_SIGNAL, // `state` is of what a signal interrupted, perhaps on another stack
    MS_UNWIND_LOST,   // no tables, a register that is not followed, or a frame out of bounds
};

// What the tables say of one pc, so that the next time costs little.
struct ms_unwind_rule {
    uint64_t rule;
    uintptr_t pc_xor_rule; // 0 = empty
};

// A thread's rules, by pc; direct-mapped. Another thread may empty single ones (ms_unwind_forget).
enum { MS_UNWIND_RULES = 1024 };
struct ms_unwind_cache {
    struct ms_unwind_rule rules[MS_UNWIND_RULES];
};

// `keeps_frame_pointer_out`: at this pc the frame pointer leads to the caller's frame and return
// address (CFA = fp + 16, both saved right below it), as at every call of a function that has a
// frame pointer. `cache` may be NULL. Frames rise within a stack, but signals lead from stack to
// stack: who follows them counts the steps.
enum ms_unwind_result ms_unwind_step(struct ms_unwind_cache *cache, struct ms_unwind_state *state,
                                     struct ms_stack_bounds bounds, bool *keeps_frame_pointer_out);

// The start of the function (of its part, where the compiler has split it) that `pc` returns to, as
// the tables tell: what holds pc - 1; 0 = unknown.
uintptr_t ms_unwind_function_start(uintptr_t pc);

// Code in [start, end) is gone.
void ms_unwind_forget(struct ms_unwind_cache *cache, uintptr_t start, uintptr_t end);

#endif
