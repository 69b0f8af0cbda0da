// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verbs tree, flame, leaks and export share.

#ifndef MEMSCOPE_TOOLS_STACKS_H
#define MEMSCOPE_TOOLS_STACKS_H

#include "profile_command.h"

#include <report/stack_views.h>

// Rows of a verb's options.
#define MS_STACK_OPTIONS                                                                           \
    {"callees", 'E', false, NULL, "callers above what they call (default)"},                       \
        {"callers", 'R', false, NULL, "from the allocating lines to their callers"},               \
        {"tasks", 'T', false, NULL, "by task: spawn place, who awaits, then the stack"},           \
        MS_BY_OPTION, MS_FILTER_OPTIONS
#define MS_FILTER_OPTIONS                                                                          \
    {"focus", 'K', false, "REGEX", "only stacks with a matching function, file or module"},        \
        {"ignore", 'I', false, "REGEX", "no stacks with such a frame"},                            \
        {"hide", 'H', false, "REGEX", "no such frames; their bytes stay"}
#define MS_BY_OPTION                                                                               \
    {"by", 'B', false, "KEY", "live, peak, at-peak (default), total, count or temporary"}

struct ms_filter_request {
    struct ms_stack_filters filters; // those that were given; they point to the others
    struct ms_stack_filter focus, ignore, hide;
};

// Takes one of MS_FILTER_OPTIONS. False after an error that was printed.
bool ms_take_filter_option(const struct ms_verb *verb, int letter,
                           struct ms_filter_request *request);
void ms_filter_request_end(struct ms_filter_request *request);

struct ms_stack_request {
    struct ms_stack_options options;
    const char *view; // of the option that chose it
    struct ms_filter_request filters;
};

void ms_stack_request_begin(struct ms_stack_request *request);
// Takes one of the options above. False after an error that was printed.
bool ms_take_stack_option(const struct ms_verb *verb, int letter, struct ms_stack_request *request);
// The argument of --by. False after an error that was printed.
bool ms_parse_measure(const struct ms_verb *verb, const char *word,
                      enum ms_stack_measure *measure_out);
void ms_stack_request_end(struct ms_stack_request *request);

// The contexts of a profile, named as far as that is possible. False after an error that was
// printed.
bool ms_open_contexts(const struct ms_verb *verb, const struct ms_opened *opened,
                      struct ms_contexts **contexts_out);

// --- a file that a verb writes -----------------------------------------------------------------

struct ms_written_file {
    FILE *stream;
    const char *path; // NULL = standard output
};

// `path` "-" is standard output. A file that is there is left alone, unless `force`; the profile
// itself always. False after an error that was printed.
bool ms_write_begin(const struct ms_verb *verb, const char *path, bool force,
                    const struct ms_opened *opened, struct ms_written_file *file_out);
// Where the report or the writing failed the file is removed. An exit code.
int ms_write_end(const struct ms_verb *verb, struct ms_written_file *file, memscope_status status);
// "app.1.msp" and ".svg" make "app.1.svg", in the profile's folder; NULL = out of memory.
char *ms_path_beside(const char *profile_path, const char *suffix);

#endif
