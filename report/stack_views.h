// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is made of a tree of stacks: text, JSON, a flame graph, files for other tools. Called by
// tools/ and tests. As in report.h, all text is clean.

#ifndef MEMSCOPE_REPORT_STACK_VIEWS_H
#define MEMSCOPE_REPORT_STACK_VIEWS_H

#include "report.h"
#include "stack_tree.h"

struct ms_tree_options {
    double min_percent; // of what the tree holds; nodes below are summed, 0 = none
    size_t depth, top;  // levels, nodes; 0 = all
    bool colour;        // terminal escapes
    unsigned width;     // columns, 0 = no end
    const char *status; // what the reader had to say of the profile, NULL = nothing
};

// By the measure the tree is sorted by. OK or OUT_OF_MEMORY.
memscope_status ms_report_tree(const struct ms_stack_tree *tree,
                               const struct ms_tree_options *options, FILE *out);
// docs/views.md describes it.
memscope_status ms_report_tree_json(const struct ms_stack_tree *tree,
                                    const struct ms_tree_options *options, FILE *out);

struct ms_flame_options {
    bool icicle;  // the root at the top
    bool by_task; // colours by task, not by kind of module
};

// A self-contained SVG. OK or OUT_OF_MEMORY.
memscope_status ms_put_flame(const struct ms_stack_tree *tree,
                             const struct ms_flame_options *options, FILE *out);

// "main;serve(int);parse(char*) 4000", a line for each stack. OK or OUT_OF_MEMORY.
// Both files say so where there are `filters`; NULL = none.
memscope_status ms_put_collapsed(const struct ms_contexts *contexts, enum ms_stack_measure by,
                                 const struct ms_stack_filters *filters, FILE *out);
// profile.proto, gzip. OK or OUT_OF_MEMORY.
memscope_status ms_put_pprof(const struct ms_contexts *contexts,
                             const struct ms_stack_filters *filters, FILE *out);

// Which nodes are shown, by index; the root always is. Of siblings it is the first ones. To be
// freed; NULL = out of memory.
bool *ms_tree_choose(const struct ms_stack_tree *tree, const struct ms_tree_options *options);

struct ms_hidden {
    size_t count;
    uint64_t value;
};
struct ms_hidden ms_tree_hidden(const struct ms_stack_tree *tree, const bool *shown, uint32_t node);

#endif
