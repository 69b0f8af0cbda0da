// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stacks in text, shared by the report and by `memscope leaks`.

#ifndef MEMSCOPE_REPORT_STACKS_TEXT_H
#define MEMSCOPE_REPORT_STACKS_TEXT_H

#include "report.h"

// A stretch of a stack: `length` frames that follow one another `times` times.
struct ms_fold {
    uint32_t first, length, times;
};

#define MS_FOLD_MOST 4 // frames of a cycle

// Folds recursion: of one function, or of up to MS_FOLD_MOST in turn. `folds_out` has room for
// frame_count entries; returns how many there are.
uint32_t ms_fold_stack(const struct ms_stack_frame *frames, uint32_t frame_count,
                       struct ms_fold *folds_out);

// Copies a stack; the frames of an executor between others become one (MS_STACK_FOLDED). The first
// frame, the call's own, stays, and so does where all was started. `folded_out` has room for
// frame_count entries; returns how many there are.
uint32_t ms_fold_plumbing(const struct ms_stack_frame *frames, uint32_t frame_count,
                          struct ms_stack_frame *folded_out);

// The innermost frame in a file of the user's own; 0 where there is none.
uint32_t ms_stack_shown(const struct ms_context *context);

struct ms_stack_lines {
    const char *head; // before the first line, in 12 columns
    uint32_t first;   // frame to begin with
    uint32_t skipped; // frames behind it that are left out
    size_t most;      // lines, 0 = all; of longer stacks those at the ends are shown
    bool plumbing;    // the frames of executors one by one
    bool all_hidden;  // --hide left no frame
    unsigned width;   // columns, 0 = no end
};

// One line a fold: "tree.cc:7 walk()  ×3".
memscope_status ms_put_stack(FILE *out, const struct ms_summary *summary,
                             const struct ms_context *context, const struct ms_stack_lines *lines);

// The contexts of a site stand together: the first of them; *count_out may be 0.
const struct ms_context *ms_contexts_of(const struct ms_contexts *contexts,
                                        const struct ms_site *site, size_t *count_out);

// The largest stacks of the first rows.
memscope_status ms_put_row_stacks(FILE *out, const struct ms_summary *summary,
                                  const struct ms_report_options *options);
// The largest stacks of one site.
memscope_status ms_put_site_stacks(FILE *out, const struct ms_summary *summary,
                                   const struct ms_site *site,
                                   const struct ms_report_options *options);
// Whether each stack was compared with its key's (verify=1).
bool ms_keys_were_verified(const struct ms_profile *profile);
// How far the keys can be trusted that tell stacks apart.
void ms_put_stack_keys(FILE *out, const struct ms_contexts *contexts);
// What stacks lack, and why.
void ms_put_stack_notes(FILE *out, const struct ms_contexts *contexts);

#endif
