// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is alive at the end of a profile, by stack and task, and which of it is meant to be.

#ifndef MEMSCOPE_REPORT_LEAKS_H
#define MEMSCOPE_REPORT_LEAKS_H

#include <stdio.h>

#include <profile/contexts.h>

#include "stack_filters.h"

// One line of a suppressions file.
struct ms_suppression {
    char *pattern; // what follows "leak:"
    uint32_t line;
    uint64_t stacks, blocks, bytes; // that it suppressed
    bool is_estimated;              // some of these
};

// LeakSanitizer's syntax: lines "leak:PATTERN"; empty lines and those that begin with # are none.
struct ms_suppressions {
    size_t count;
    struct ms_suppression *items;
};

// OK, IO, INVALID_ARGUMENT (a bad line) or OUT_OF_MEMORY; on all but OK `message` says what is
// wrong, with file and line.
memscope_status ms_suppressions_read(const char *path, struct ms_suppressions *suppressions_out,
                                     char message[MS_MESSAGE_BYTES]);
void ms_suppressions_free(struct ms_suppressions *suppressions);

// Whether a pattern is found in a text: * is anything, ^ at the start and $ at the end are the
// text's own.
bool ms_pattern_matches(const char *pattern, const char *text);

// Blocks of one stack, or of one site whose stacks were not kept.
struct ms_leak {
    struct ms_context context; // without a kept stack its frames are the site's
    bool has_stack;
    uint32_t *frame_numbers; // the context's, where frames are hidden; NULL = none is
    bool all_hidden;
    uint64_t blocks, bytes;
    const struct ms_suppression *suppressed_by; // NULL = it is not
    bool is_estimated;
    double variance; // of the bytes
};

struct ms_leaks {
    const struct ms_contexts *contexts;
    size_t count;
    struct ms_leak *items; // that the filters leave, most bytes first
    struct ms_suppressions *suppressions;
    struct {
        size_t count;
        uint64_t bytes, blocks;
        bool is_estimated;                        // some of them
    } all;                                        // alive, what the filters drop included
    uint64_t bytes, blocks;                       // that the filters leave
    uint64_t suppressed_bytes, suppressed_blocks; // of these
    size_t suppressed_count;
    bool is_estimated;             // some of them
    double variance;               // of the bytes that are not suppressed
    struct ms_stack_frame *frames; // of sites without stacks
    struct ms_stack_filters filters;
};

// The first suppression that matches a function, file or module of the stack takes it, hidden or
// not, of what the filters leave. `suppressions` are counted in, and must outlive the leaks, as
// must the filters.
// `filters` NULL = none. OK or OUT_OF_MEMORY.
memscope_status ms_leaks_create(const struct ms_contexts *contexts,
                                struct ms_suppressions *suppressions,
                                const struct ms_stack_filters *filters,
                                struct ms_leaks **leaks_out);
void ms_leaks_destroy(struct ms_leaks *leaks);
// Whether anything is alive that the filters leave and that is not suppressed; where blocks were
// not sampled, as far as that is known.
bool ms_leaks_any(const struct ms_leaks *leaks);

struct ms_leaks_options {
    size_t top;     // stacks, 0 = all
    bool colour;    // terminal escapes
    unsigned width; // columns, 0 = no end
    bool plumbing;  // in text: the frames of executors one by one
    const char *status;
};

memscope_status ms_report_leaks(const struct ms_leaks *leaks,
                                const struct ms_leaks_options *options, FILE *out);
// docs/contexts.md describes it.
memscope_status ms_report_leaks_json(const struct ms_leaks *leaks,
                                     const struct ms_leaks_options *options, FILE *out);

#endif
