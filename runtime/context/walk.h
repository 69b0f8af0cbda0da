// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A whole stack, unwound by its tables, and whether the chain of frame pointers tells the same.

#ifndef MS_CONTEXT_WALK_H
#define MS_CONTEXT_WALK_H

#include "key.h"
#include "unwind.h"

// What libc puts below a program's own functions: _start, __libc_start_main, __libc_start_call_main
// (glibc 2.34).
enum { MS_DEPTH_MOST = 512, MS_ROOT_FRAMES = 3 };

struct ms_walk {
    uint32_t count; // of the frames, those that are the task's own
    uint32_t met;
    uint8_t flags;   // MEMSCOPE_CONTEXT_*
    bool is_chained; // the key stands for this stack alone
    bool has_root;   // the last of `frames` are what libc or a fiber's maker put there
    bool is_fibers;
    bool is_to_the_end;                               // of the thread's stack
    uintptr_t frames[MS_DEPTH_MOST + MS_ROOT_FRAMES]; // return addresses, innermost first
};

// Where the functions of some return addresses begin, so that they are looked up once.
enum { MS_STARTS = 64 };
struct ms_starts {
    struct {
        uintptr_t pc, start;
    } slots[MS_STARTS];
};

struct ms_walk_limits {
    uint32_t depth;
    bool has_entry;       // the stack begins in one of ms_thread_entries
    uintptr_t resumed[2]; // functions that a task's stack ends with; 0 = none
    bool is_fiber;        // that runs on a stack of its own
};

// Two walks that are alike, `count` frames and flags, are of one stack.
void ms_walk_stack(struct ms_walk *walk, struct ms_unwind_cache *cache, struct ms_starts *starts,
                   struct ms_stack stack, const uintptr_t *frame,
                   const struct ms_walk_limits *limits);

// Leaves what the program's own functions are, at most `depth`.
void ms_walk_trim(struct ms_walk *walk, uint32_t depth);

#endif
