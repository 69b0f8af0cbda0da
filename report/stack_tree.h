// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts merged into a tree of frames: what `memscope tree`, `flame` and `export` show. The
// figures of a node are sums over the contexts whose stacks lead through it, so that those of the
// root, what ends at a node and what goes on below it add up with difference 0. From one thread.

#ifndef MEMSCOPE_REPORT_STACK_TREE_H
#define MEMSCOPE_REPORT_STACK_TREE_H

#include <stdio.h>

#include <profile/contexts.h>

#include "stack_filters.h"

enum ms_stack_view {
    MS_STACKS_CALLEES, // from the outermost caller (or await, or spawn place) to the allocating
                       // line
    MS_STACKS_CALLERS, // from the allocating line outwards
    MS_STACKS_TASKS,   // as callees, below the outermost task or the thread, with its spawn place
};

enum ms_stack_measure {
    MS_STACKS_BY_LIVE,
    MS_STACKS_BY_PEAK, // sums of the contexts' own peaks: no peak of anything
    MS_STACKS_BY_AT_PEAK,
    MS_STACKS_BY_TOTAL,
    MS_STACKS_BY_COUNT,
    MS_STACKS_BY_TEMPORARY,
    MS_STACK_MEASURES,
};

const char *ms_stack_measure_name(enum ms_stack_measure measure); // "at-peak"; NULL past the last
// "bytes alive at the peak"
const char *ms_stack_measure_meaning(enum ms_stack_measure measure);
bool ms_stack_measure_is_bytes(enum ms_stack_measure measure);

enum ms_step_kind {
    MS_STEP_CALL,
    MS_STEP_AWAIT,
    MS_STEP_SPAWN,
    MS_STEP_TASK,   // its name as function, its spawn place as file and line
    MS_STEP_THREAD, // the same
    MS_STEP_FOLDED, // frames of an executor, the library's name as function
    // What stands for frames that are not there; it has nothing else.
    MS_STEP_CUT,     // deeper than the depth asked for
    MS_STEP_BROKEN,  // nothing tells how to unwind further
    MS_STEP_FOREIGN, // a stack that nobody told of
    MS_STEP_HIDDEN,  // --hide left no frame
    MS_STEP_WITHOUT, // counted by site alone
};

// What a node shows. Frames of the same function, line and module are one step, whatever stands
// around them.
struct ms_step {
    enum ms_step_kind kind;
    uint32_t line;
    const char *function, *file;    // NULL = unknown
    const struct ms_module *module; // NULL = unknown
    uint64_t module_offset;         // where the function is unknown, else 0
    uint32_t function_step;         // the same without file and line
};

#define MS_NO_NODE 0 // the root is nobody's child

struct ms_stack_node {
    uint32_t parent, step;
    uint32_t first, next; // children and siblings, most first
    uint32_t repeats;     // of a recursion that is one node: its most turns, else 1
    uint32_t depth;       // 0 = the root
    const char *owner;    // the task or thread of all its contexts, or ms_several_owners
    bool is_estimated;    // some of its values
    double variance;      // of the value that siblings are sorted by
    uint64_t values[MS_STACK_MEASURES]; // with all below
};

extern const char ms_several_owners[];

struct ms_stack_options {
    enum ms_stack_view view;
    enum ms_stack_measure by; // the order of siblings
    bool by_function;         // lines of a function are one node
    bool keep_recursion;      // each turn is a node
    bool keep_plumbing;       // frames of executors are nodes, too
    struct ms_stack_filters filters;
};

struct ms_stack_tree {
    const struct ms_contexts *contexts;
    struct ms_stack_options options;
    uint32_t node_count, step_count, deepest;
    struct ms_stack_node *nodes; // nodes[0] is the root; each stands behind its parent
    struct ms_step *steps;
    size_t stack_count;                // of the contexts that are in it
    bool is_estimated;                 // some of the process, what the filters dropped included
    uint64_t whole[MS_STACK_MEASURES]; // of the process, what the filters dropped included
};

// OK or OUT_OF_MEMORY. The contexts must outlive the tree.
memscope_status ms_stack_tree_create(const struct ms_contexts *contexts,
                                     const struct ms_stack_options *options,
                                     struct ms_stack_tree **tree_out);
void ms_stack_tree_destroy(struct ms_stack_tree *tree);

// What ends at the node: its value without those of its children.
uint64_t ms_stack_own(const struct ms_stack_tree *tree, uint32_t node,
                      enum ms_stack_measure measure);
uint64_t ms_stack_value(const struct ms_counts *counts, enum ms_stack_measure measure);
// Of what an estimate is off by; of peaks and temporary blocks as ms_counts_error of report/.
double ms_stack_variance(const struct ms_counts *counts, enum ms_stack_measure measure);
// Whether any measure is not 0. (Of a damaged profile it need not be the number of allocations.)
bool ms_stack_has_value(const struct ms_counts *counts);

// The node that follows in the order from the root downwards, siblings by weight; MS_NO_NODE after
// the last. Without `down` what is below `node` is left out.
uint32_t ms_stack_next(const struct ms_stack_tree *tree, uint32_t node, bool down);

// "parse()", "libc.so.6+0x1f2c", "awaits read()", "[stack cut]"
void ms_put_step_name(FILE *out, const struct ms_step *step);
// The same with the function as the profile has it: "parse(char const*)"
void ms_put_step_whole_name(FILE *out, const struct ms_step *step);
// The name of a task or a thread: "session()"
void ms_put_owner_name(FILE *out, const char *name);
// "parse.cc:7", "libz.so.1"; nothing where nothing is known or the name said it
void ms_put_step_place(FILE *out, const struct ms_summary *summary, const struct ms_step *step);

#endif
