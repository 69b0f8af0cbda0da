// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads of the process and their buffers: a thread record in the profile, and a table from
// keys (site or return address) to the thread's cells. Up to MS_THREADS_KEPT threads have a record
// each, also after they have ended; beyond that a new thread goes on with the record and table of
// an ended one, preferably of the same spawn site, so that a server that starts a thread for each
// request does not grow. A record is taken over only when the kernel knows its thread no more, that
// is after the last TLS destructor.

#ifndef MS_THREAD_H
#define MS_THREAD_H

#include "kept_blocks.h"
#include "lookup.h"
#include "overhead.h"
#include "sampler.h"
#include "tls.h"

enum { MS_THREADS_KEPT = 1024 };

struct ms_thread {
    struct memscope_thread_record *record;
    uint32_t record_ref;
    uint32_t in_use; // 1 from start to the thread's end (atomic)
    struct ms_slot *slots;
    uint64_t slot_count; // a power of two
    uint64_t slots_used;
    uint32_t found_outside; // keys that were looked for and stood outside their bucket
    struct ms_thread *next; // of all, newest first; never unlinked
    struct ms_tls *tls;     // while it runs
    // What a started thread is to run: one of both.
    void *(*start)(void *);
    int (*start_c11)(void *);
    void *argument;
    uintptr_t pending_stack;                // of who entered tls.pending_site; all ones: holds once
    struct memscope_cell_record *reentrant; // events inside a hook; made when first needed
    uint32_t pending_site;                  // ref of the site that MS_SPECIAL_PENDING refers to
    uint32_t
        region_site; // of the parallel region the thread runs: threads started meanwhile are its
    struct ms_tasks *tasks;             // collect/task.h; NULL = has run none
    struct ms_context_memory *contexts; // context/context.h; NULL = has met none
    struct ms_call_message *message;    // backend/call.h; NULL = has had none
    struct ms_stack stack;              // its own; at times it runs on another
    uintptr_t stack_bytes;              // of a thread about to start
    struct ms_lookup lookup;            // task folds and transfers
    struct ms_sampler sampler;
    struct ms_overhead overhead;
    struct memscope_cell_record *scratch; // for calibration; NULL = not yet
    uint32_t scratch_brief;               // the brief record of a block of no bytes in it; 0 = none
    struct ms_kept_moving moving;         // of kept_blocks.h
};

extern struct ms_thread *ms_threads; // newest first

// A buffer for a thread that is about to start. NULL = no room: the thread will be refused one when
// it attaches, and count into the overflow cell.
struct ms_thread *ms_thread_prepare(uint32_t spawn_site_ref);
void ms_thread_discard(struct ms_thread *thread); // it did not start

// Makes the calling thread the owner of `thread`; NULL = prepares one (a thread no hook saw start).
// `stack` NULL: is looked for.
void ms_thread_attach(struct ms_thread *thread, const struct ms_stack *stack);

// The calling thread runs on this stack from now on (a fiber's; NULL: its own).
void ms_thread_stack(const struct ms_stack *stack);
// A frame of the calling thread is below its stack: was the main thread's allowed to grow further
// since (setrlimit)? Then its bounds are others now.
bool ms_thread_stack_has_grown(const struct ms_tls *tls, uintptr_t frame);

// What its fast path looks keys up by, after a change of ms_shared.key_pairs.
void ms_thread_fit_keys(const struct ms_tls *tls);

// The calling thread's end: its unpublished bytes go to the total, its record says when it ended.
void ms_thread_detach(void);

// The calling thread's cell for the hash `key` of `plain` (struct ms_slot) and task class, NULL =
// has none yet.
struct memscope_cell_record *ms_thread_find_hashed(uint64_t key, uint64_t plain,
                                                   uint32_t class_ref);
// Remembers it; false = memory has run out, it will be found by nobody.
bool ms_thread_remember_hashed(uint64_t key, uint64_t plain, struct memscope_cell_record *cell);
// A context's cell whose key was taken away.
void ms_thread_remember_again(uint64_t key, struct memscope_cell_record *cell);

// The same of a site's ref or a foreign call's key, of ms_task_key where class_ref is not 0.
static inline struct memscope_cell_record *ms_thread_find(uint64_t plain, uint32_t class_ref) {
    return ms_thread_find_hashed(ms_key_of_plain(plain), plain, class_ref);
}
static inline bool ms_thread_remember(uint64_t plain, struct memscope_cell_record *cell) {
    return ms_thread_remember_hashed(ms_key_of_plain(plain), plain, cell);
}

// Return addresses in [start, end) mean other code from now on, on every thread.
void ms_threads_forget_addresses(uintptr_t start, uintptr_t end);

// A fork child: forget all threads, attach the calling one as the first.
void ms_threads_restart(void);

#endif
