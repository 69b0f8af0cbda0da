// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts: sites with the whole stack that led to them, named. A context's frames go from the call
// itself outwards: the site's own frames (with what it was inlined into), the machine stack, then
// the tasks that await the one that allocated, and last where the outermost task or the thread was
// started. Thread-safety as in profile.h.

#ifndef MEMSCOPE_PROFILE_CONTEXTS_H
#define MEMSCOPE_PROFILE_CONTEXTS_H

#include "profile.h"

enum ms_stack_kind {
    MS_STACK_CALL,   // "stack": a function that called the one before
    MS_STACK_AWAIT,  // "await": a coroutine that awaits the one before
    MS_STACK_SPAWN,  // "spawn": where the task or the thread was started
    MS_STACK_FOLDED, // of reports alone: `line` frames of the library that `function` names
};

// One frame; `line` is of the call (the instruction before the return address).
struct ms_stack_frame {
    enum ms_stack_kind kind;
    bool inlined;                   // into the next one
    const char *function;           // NULL = unknown; demangled
    const char *file;               // NULL = unknown
    uint32_t line, column;          // 0 = unknown
    const struct ms_module *module; // NULL = unknown
    uint64_t module_offset;         // of the return address; without a module the address itself
};

struct ms_context {
    const struct ms_site *site;
    uint32_t id;   // ref of its first record
    uint8_t flags; // MEMSCOPE_CONTEXT_*
    uint32_t frame_count;
    // Of what ms_context_frame is made: the frames, and which of them; NULL = one after the other.
    const struct ms_stack_frame *frames;
    const uint32_t *frame_numbers;
    // Whose it is: a task class's name, or a thread's; for labels. NULL = unknown.
    const char *task;   // NULL = a thread's root task
    const char *thread; // NULL = of several threads
    struct ms_counts counts;
};

// Counted from the call outwards.
static inline const struct ms_stack_frame *ms_context_frame(const struct ms_context *context,
                                                            uint32_t i) {
    return &context->frames[context->frame_numbers ? context->frame_numbers[i] : i];
}

struct ms_contexts {
    const struct ms_summary *summary;
    size_t count;
    struct ms_context *items;       // by site, then by bytes, most first; equal stacks are one
    struct ms_counts without;       // allocations counted by site alone
    size_t key_count;               // keys that tell stacks apart, each thread's for itself
    uint32_t distinct_frames;       // frame_numbers are below
    uint32_t deepest;               // frames of the deepest machine stack
    size_t cut_count;               // contexts with MEMSCOPE_CONTEXT_CUT
    size_t broken_count;            // with MEMSCOPE_CONTEXT_BROKEN or _FOREIGN_STACK
    size_t unresolved_modules;      // whose file is not the one that was loaded, or is gone
    const char **unresolved;        // what to say of each: "libfoo.so: its build ID differs"
    struct ms_context_store *store; // owns the frames
};

// OK, NOT_FOUND (no symbolizer: frames have modules and offsets alone) or OUT_OF_MEMORY, which
// alone gives no contexts. Call ms_summary_resolve before: spawn frames are named by it. `options`
// NULL: names are not asked for. The summary must outlive the contexts.
memscope_status ms_contexts_create(const struct ms_summary *summary,
                                   const struct ms_resolve_options *options,
                                   struct ms_contexts **contexts_out);
// Makes template arguments in the names of frames and tasks "<…>". Contexts that differ in nothing
// else stay apart. OK or OUT_OF_MEMORY.
memscope_status ms_contexts_fold_templates(struct ms_contexts *contexts);

// With n keys of 64 bits kept, the chance that any two stacks were taken for one is below n² /
// 2^65.
double ms_contexts_collision_bound(const struct ms_contexts *contexts);

void ms_contexts_destroy(struct ms_contexts *contexts);

#endif
