// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts by construction, for tests of what is made of them: a server with a thread of its own, a
// coroutine that another awaits, recursion, a library without symbols, a cut stack.

#ifndef MEMSCOPE_TESTS_UNIT_STACKS_H
#define MEMSCOPE_TESTS_UNIT_STACKS_H

#include <profile/contexts.h>
#include <report/stack_filters.h>

// With a summary of builder_picture's profile. Lives as long as the process.
struct ms_contexts *stacks_of_a_server(void);

// None; `count` stacks may be put into items, of up to 64 frames.
struct ms_contexts *stacks_begin(size_t count);
// Adds one of this many bytes in one call, all alive at the peak and now.
struct ms_context *stacks_add(struct ms_contexts *contexts, uint64_t bytes);
struct ms_stack_frame *stacks_frame(struct ms_context *context, const char *function,
                                    const char *file, uint32_t line);

// A filter by a regular expression that is right.
const struct ms_stack_filter *stacks_filter(const char *regex);

#endif
