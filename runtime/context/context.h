// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts: the whole stack behind an allocation, written once (memscope_context_record) and
// counted in cells of its own. The usual way is a key found in the thread's table (key.h); here is
// what happens at the first sight of one, and each time where frame pointers do not tell the whole
// stack: the stack is unwound by its tables. Slow path, under the guard; no lock.

#ifndef MS_CONTEXT_H
#define MS_CONTEXT_H

#include "collect/task.h"
#include "key.h"

// What a thread needs to unwind; made at its first context.
struct ms_context_memory;

struct ms_context_request {
    uint64_t key; // of key.h
    uint64_t seed;
    uint32_t site_ref;
    const uintptr_t *frame;                    // of ms_frame_here
    const struct memscope_task_record *task;   // that runs; NULL = the thread's root task
    const struct memscope_cell_sample *sample; // what the block stands for; NULL = itself alone
    uint32_t class_ref; // of the task whose block it is: a coroutine's frame is its own, though
                        // the stack is its creator's
    struct ms_context_memory *memory; // NULL until ms_context_find has walked the stack
};

// The calling thread's cell for an allocation's context; NULL: it has none yet. The site_ref is not
// needed for this.
struct memscope_cell_record *ms_context_find(struct ms_tls *tls,
                                             struct ms_context_request *request);
// A new one, after that. NULL: no room, or as many contexts as contexts= allows.
struct memscope_cell_record *ms_context_new(struct ms_tls *tls,
                                            const struct ms_context_request *request);

// From now on the cell, its thread's only one of its site until now, shares the site's peak record
// with others. Not while another thread may free blocks of it.
void ms_context_begin_site_peak(struct memscope_cell_record *cell);

// verify=1: counts a loss where the stack is not the context's, though its key is.
void ms_context_verify(struct ms_tls *tls, const struct ms_context_request *request,
                       uint32_t context_ref);

// The record of a task that `awaiter_ref` awaits (0 = nobody) at a line (0 = unknown); 0 = no room.
uint32_t ms_context_awaiter(uint32_t class_ref, uint32_t awaiter_ref, uint32_t line);

// Does the context hold code of the modules that began at `module_start`?
bool ms_context_is_in(uint32_t context_ref, uintptr_t module_start);

// The code in [start, end) is gone: forgotten by the thread's unwinder.
void ms_context_forget(struct ms_context_memory *memory, uintptr_t start, uintptr_t end);

// A new profile begins.
void ms_contexts_restart(void);

// The functions of ours that a thread's stack begins with.
extern MS_INTERNAL const void *const ms_thread_entries[2];

#endif
