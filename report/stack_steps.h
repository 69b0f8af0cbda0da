// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The distinct frames of all stacks, numbered. Included by report/stack_*.c and the exports.

#ifndef MEMSCOPE_REPORT_STACK_STEPS_H
#define MEMSCOPE_REPORT_STACK_STEPS_H

#include "stack_tree.h"

struct ms_seen_frame;

struct ms_steps {
    struct ms_step *items;
    size_t capacity;
    uint32_t count;
    uint32_t *slots; // by content: number + 1
    size_t slot_count;
    struct ms_seen_frame *seen; // by the addresses of the texts: most frames come again and again
    size_t seen_count, seen_slots;
};

#define MS_NO_STEP UINT32_MAX // out of memory

// The number of the step. The texts are not copied.
uint32_t ms_step_of(struct ms_steps *steps, const struct ms_step *step);
uint32_t ms_step_of_frame(struct ms_steps *steps, const struct ms_stack_frame *frame);
// Leaves `items` alone: they may have found another owner.
void ms_steps_release(struct ms_steps *steps);

bool ms_step_matches(const struct ms_step *step, const regex_t *regex);

#endif
