// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which stacks and which of their frames reports and exports show, as --focus, --ignore and --hide
// say it, and what is told of that. stack_path.c applies them.

#ifndef MEMSCOPE_REPORT_STACK_FILTERS_H
#define MEMSCOPE_REPORT_STACK_FILTERS_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ms_stack_filter {
    regex_t regex;
    const char *text; // it was made of
};

// NULL = none. A frame matches by its function, as it is or as reports say it, its file or its
// module.
struct ms_stack_filters {
    const struct ms_stack_filter *focus;  // stacks without such a frame are dropped
    const struct ms_stack_filter *ignore; // stacks with such a frame are dropped
    const struct ms_stack_filter *hide;   // such frames are dropped
};

// The option that the first of them is: "focus"; NULL = there is none. `filters` may be NULL.
const char *ms_filters_first(const struct ms_stack_filters *filters);

// The `i`th option and its filter, NULL = it is not given; false = there are no more.
bool ms_filter_at(const struct ms_stack_filters *filters, size_t i, const char **name_out,
                  const struct ms_stack_filter **filter_out);

// For a file that holds what they leave, without an end of line: "filtered (--focus=net --hide=x)".
void ms_put_filters_comment(FILE *out, const struct ms_stack_filters *filters);

struct ms_filtered {
    uint64_t kept, whole;
    bool kept_is_estimated, whole_is_estimated;
    bool is_bytes;
};
// "the filters leave 4,500 B of 27,640 B, 16.2%", a line.
void ms_put_filtered(FILE *out, const struct ms_filtered *filtered);

#endif
