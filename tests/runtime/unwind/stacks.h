// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole stacks, by the runtime's unwinder and by libunwind, frame for frame.

#ifndef MEMSCOPE_TESTS_STACKS_H
#define MEMSCOPE_TESTS_STACKS_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>
#include <stdint.h>

enum { STACK_MOST = 20000 };

// What is expected of the stacks taken from now on. More stacks than the thread's own: pairs of
// (low, bytes), ended by zeros.
struct stack_claims {
    size_t least_frames;       // of the greatest stack
    int signals;               // signal frames in it
    int ends_before_libunwind; // libunwind goes on by guesses behind the root
    uintptr_t more_stacks[3][2];
};
extern struct stack_claims stack_claims;

// Takes the calling thread's stack by both and compares them: every pc, sp and frame pointer, up to
// the root. Called from wherever a test's claim is.
void stack_check(void);

// What the stacks taken so far were.
struct stack_seen {
    size_t stacks, frames, most_frames, signals, keeping_frame_pointer;
};
extern struct stack_seen stack_seen;

#ifdef __cplusplus
}
#endif

#endif
