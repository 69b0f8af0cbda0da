// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the files contexts*.c share.

#ifndef MEMSCOPE_PROFILE_CONTEXTS_PARTS_H
#define MEMSCOPE_PROFILE_CONTEXTS_PARTS_H

#include "contexts.h"
#include "symbols.h"

// The distinct frames of contexts, each with a number. ms_same_stack_frame may be true of two: it
// leaves the address of what has a name aside.
struct ms_frame_pool {
    struct ms_stack_frame *frames;
    uint64_t *hashes; // by number: equal where ms_same_stack_frame is true
    uint32_t count, capacity;
    uint32_t *slots; // by content: number + 1
    size_t slot_count;
};

#define MS_NO_NUMBER UINT32_MAX // out of memory

// Texts are kept once, so that equal ones are the same pointer.
bool ms_same_stack_frame(const struct ms_stack_frame *a, const struct ms_stack_frame *b);
uint32_t ms_frame_pool_number(struct ms_frame_pool *pool, const struct ms_stack_frame *frame);
void ms_frame_pool_release(struct ms_frame_pool *pool);

#define MS_SITE_WITHIN 8u // machine frames among which the site's function is looked for

#define MS_ORDINALS (1u << (64 - MEMSCOPE_CODE_OFFSET_BITS))

struct ms_context_work {
    const struct ms_summary *summary;
    uint32_t *modules;               // by ordinal: index + 1
    const struct ms_module *runtime; // the runtime's library; NULL = it is linked in, or unknown
};

// To be ended by free(work->modules). False = out of memory.
bool ms_context_work_begin(struct ms_context_work *work);

// A cell that has a context. Equal but for the last three = the same stack for sure.
struct ms_context_use {
    uint32_t unit;   // of the context record
    uint32_t site;   // index
    uint32_t task;   // index + 1 of the class
    uint32_t spawn;  // index + 1 of the site that started the thread, of root tasks
    uint32_t thread; // index + 1
    uint32_t cell;   // unit
    uint64_t bytes;
};

// What a stack is made of.
struct ms_stack_source {
    const struct memscope_context_record *record;
    const struct ms_site *site;
    const struct ms_task_class *task_class; // NULL = a root task, or unknown
    const struct ms_site *thread_spawn;     // of a root task's thread; NULL = none
};

// A stack being made; its room is used again for the next.
struct ms_stack {
    struct ms_stack_frame *frames;
    size_t capacity;
    uint32_t count;
    uint8_t flags; // MEMSCOPE_CONTEXT_*
    bool failed;   // out of memory
};

// Where a frame of a record stands. False where no module is known: *offset_out is the address.
bool ms_context_code(const struct ms_context_work *work, uint64_t code,
                     const struct ms_module **module_out, uint64_t *offset_out);
// The frames of a record that are read.
uint32_t ms_context_frame_count(const struct memscope_context_record *record);
// Names a stack from what the summary's symbols know.
void ms_stack_make(struct ms_stack *stack, const struct ms_context_work *work,
                   const struct ms_stack_source *source);

// Wants the names of all frames; sorts the uses, the heaviest first. False = out of memory.
bool ms_contexts_want_names(const struct ms_context_work *work, struct ms_context_use *uses,
                            size_t count);
// Once names were asked for: the modules that have none. OK or OUT_OF_MEMORY.
memscope_status ms_contexts_find_unresolved(struct ms_contexts *contexts);

#endif
