// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The way that one context takes through the tree. Included by report/stack_*.c.

#ifndef MEMSCOPE_REPORT_STACK_PATH_H
#define MEMSCOPE_REPORT_STACK_PATH_H

#include "stack_steps.h"

struct ms_stack_part {
    uint32_t step, repeats;
};

struct ms_stack_path {
    const struct ms_stack_options *options;
    struct ms_steps steps;
    uint8_t *marks; // by step: what the filters say of it
    uint32_t marked;
    struct ms_stack_part *parts; // of the context at hand, innermost first
    size_t length, capacity;
};

// False = out of memory. *keep_out: whether the filters let the context pass.
bool ms_stack_path_take(struct ms_stack_path *path, const struct ms_context *context,
                        bool *keep_out);
// Whether the filters hide a frame of the context that was taken last.
bool ms_stack_path_hides(struct ms_stack_path *path, const struct ms_stack_frame *frame);
// What stands for a stack of which no frame is left.
enum ms_step_kind ms_stack_nothing_left(const struct ms_context *context);
// Whether the filters let pass what has no stack: no frame of it could match.
bool ms_filters_pass_stackless(const struct ms_stack_filters *filters);
// The path of what has no stack.
bool ms_stack_path_take_kind(struct ms_stack_path *path, enum ms_step_kind kind);
// Before which of its frames the context lacks some, and why: calls that are missing stand between
// the others and the tasks that await them; where the chain of these does not reach its root, at
// the end. UINT32_MAX = none is missing.
uint32_t ms_stack_missing(const struct ms_context *context, enum ms_step_kind *kind_out);
// Leaves the steps' items to the caller.
void ms_stack_path_release(struct ms_stack_path *path);

#endif
