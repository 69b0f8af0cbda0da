// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks in the profile: a part of profile_format.h, which includes it.
//
// A task is a coroutine, a fiber, a scope that the program named, or a thread's root task, which
// has no record of its own: it is what the thread's cells with class_ref 0 say.

#ifndef MEMSCOPE_PROFILE_FORMAT_TASKS_H
#define MEMSCOPE_PROFILE_FORMAT_TASKS_H

#include "profile_format.h"

enum memscope_task_kind {
    MEMSCOPE_TASK_THREAD = 0,
    MEMSCOPE_TASK_COROUTINE = 1,
    MEMSCOPE_TASK_FIBER = 2,
    MEMSCOPE_TASK_SCOPE = 3, // memscope_task_begin
};

#define MEMSCOPE_TASK_CLASS_YIELDS 1u   // a generator: it may be awaited again, elsewhere
#define MEMSCOPE_TASK_CLASS_FCONTEXT 2u // a fiber that Boost.Context made

// What the tasks of one function, started at one place, have in common.
struct memscope_task_class_record {
    struct memscope_record record; // flags: MEMSCOPE_TASK_CLASS_*
    uint32_t kind;                 // enum memscope_task_kind
    uint32_t function_ref;
    uint32_t file_ref;
    uint32_t line;
    uint32_t column;
    uint32_t promise_type_ref;
    uint32_t promise_bytes;
    uint32_t spawn_site_ref; // a site of kind TASK_START, or a foreign one; 0 = unknown
    uint32_t name_ref;       // given by the program; 0 = none
    uint32_t entry_site_ref; // of a fiber: a foreign site that says where its function is
    uint64_t runtime[2];     // the runtime's own
};

enum memscope_task_state {
    MEMSCOPE_TASK_FREE = 0, // the record waits for the next task
    MEMSCOPE_TASK_CREATED = 1,
    MEMSCOPE_TASK_RUNNING = 2,
    MEMSCOPE_TASK_SUSPENDED = 3,
    MEMSCOPE_TASK_OUTLIVED = 4, // ended, blocks of it are still alive
    MEMSCOPE_TASK_KEPT = 5,     // ended, all freed; kept as one of the heaviest
};

enum memscope_task_edge {
    MEMSCOPE_EDGE_ROOT = 0,  // no parent known
    MEMSCOPE_EDGE_SPAWN = 1, // the parent started it
    MEMSCOPE_EDGE_AWAIT = 2, // the parent waits for it
};

// By which rule the edge was found (docs/tasks.md).
enum memscope_edge_rule {
    MEMSCOPE_RULE_NONE = 0,
    MEMSCOPE_RULE_AWAITER_HOLDS_FRAME = 1,
    MEMSCOPE_RULE_RESUMED_BY_SUSPENDING = 2,
    MEMSCOPE_RULE_PROMISE_POINTS_BACK = 3,
    MEMSCOPE_RULE_RESUMED_BY_RUNNING = 4,
    MEMSCOPE_RULE_CREATED_BY = 5,
    MEMSCOPE_RULE_CONFIRMED_BY_END = 6, // it ended by resuming the parent
    MEMSCOPE_RULE_ANNOTATED = 7,
};

#define MEMSCOPE_TASK_ELIDED 1u        // its frame lies in its caller's, or on a stack
#define MEMSCOPE_TASK_FRAME_COUNTED 2u // its frame is a block of its own, counted in its totals
#define MEMSCOPE_TASK_ENDED (1ull << 63)
#define MEMSCOPE_TASK_FOLDED (1ull << 63)

// One task. `own` counters are written by the thread that runs it, remote ones by any (atomic).
//   live blocks = allocations + late_allocations - frees
//                 - (remote_frees without MEMSCOPE_TASK_ENDED)
//   live bytes  = bytes + (late_bytes without MEMSCOPE_TASK_FOLDED) - freed_bytes
//                 - remote_freed_bytes
// One that ended while its await_suspend goes on is FREE already, and may have live blocks.
struct memscope_task_record {
    struct memscope_record record; // flags: MEMSCOPE_TASK_*
    uint32_t state;                // enum memscope_task_state
    uint32_t thread_ref;           // the thread that runs it, or ran it last
    uint64_t id;         // in order of creation, never used twice; 0 = the record was never used
    uint64_t parent_id;  // 0 = none, or a thread's root task: then parent_ref is the thread record
    uint32_t parent_ref; // record of the parent, if that still has parent_id
    uint16_t edge;       // enum memscope_task_edge
    uint16_t edge_rule;  // enum memscope_edge_rule
    uint32_t class_ref;
    uint32_t label_ref; // string; 0 = none
    uint64_t created_ns;
    uint64_t ended_ns; // 0 = not yet
    uint64_t frame_address;
    uint32_t frame_bytes;
    uint32_t name_ref; // string; 0 = none
    uint32_t resumes;
    uint32_t migrations; // resumptions on another thread than the one before
    uint64_t allocations;
    uint64_t bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t peak_bytes;   // as the running thread saw it at its allocations
    uint64_t remote_frees; // | MEMSCOPE_TASK_ENDED from its end on
    uint64_t remote_freed_bytes;
    uint64_t late_allocations; // of an await_suspend that goes on while others may run the task
    uint64_t
        late_bytes; // | MEMSCOPE_TASK_FOLDED once its fold has them; further ones are added there
    uint32_t outlived_blocks; // alive at its end, the frame not counted; all ones: or more
    uint32_t awaiter_ref;     // of its contexts; 0 = not known yet
    uint64_t outlived_bytes;
    uint64_t runtime[2]; // the runtime's own
};

// Histogram of byte counts: values below 4 exactly, above that four buckets an octave. A value read
// from a bucket's middle is off by at most 12.5%.
#define MEMSCOPE_TASK_BUCKETS 192u
#define MEMSCOPE_TASK_BUCKET_ERROR_PERCENT 12.5

static inline uint32_t memscope_task_bucket(uint64_t value) {
    if (value < 4)
        return (uint32_t)value;
    uint32_t octave = 63u ^ (uint32_t)__builtin_clzll(value);
    uint32_t bucket = 4u * (octave - 1) + (uint32_t)(value >> (octave - 2) & 3);
    return bucket < MEMSCOPE_TASK_BUCKETS ? bucket : MEMSCOPE_TASK_BUCKETS - 1;
}

// The smallest value of a bucket; that of bucket + 1 is one past its largest.
static inline uint64_t memscope_task_bucket_start(uint32_t bucket) {
    if (bucket < 4)
        return bucket;
    return (uint64_t)(4u + (bucket & 3)) << (bucket / 4 - 1);
}

enum memscope_task_measure {
    MEMSCOPE_MEASURE_TOTAL = 0, // bytes allocated, its frame included
    MEMSCOPE_MEASURE_PEAK = 1,
    MEMSCOPE_MEASURE_OUTLIVED = 2, // bytes alive at its end
    MEMSCOPE_MEASURES = 3,
};

// What one thread knows of the tasks of one class: those that began there, those that ended there.
// Written by that thread alone. `sequence` is odd while an end is being counted.
struct memscope_task_fold_record {
    struct memscope_record record;
    uint32_t class_ref;
    uint32_t thread_ref;
    uint64_t sequence;
    uint64_t started;
    uint64_t ended;
    uint64_t elided;  // of the started, those without a frame of their own
    uint64_t resumes; // of the ended
    uint64_t migrations;
    uint64_t sum[MEMSCOPE_MEASURES]; // of the ended
    uint64_t max[MEMSCOPE_MEASURES];
    uint32_t awaiter_ref; // of tasks that nobody awaits; 0 = not known yet
    uint32_t reserved0;
    uint64_t reserved1;
    uint32_t histogram[MEMSCOPE_MEASURES][MEMSCOPE_TASK_BUCKETS];
};

// Blocks that one party allocated and another freed, as one thread saw it (written by it alone). A
// party is a task class, or a thread record for that thread's root task.
struct memscope_transfer_record {
    struct memscope_record record;
    uint32_t from_ref; // allocated
    uint32_t to_ref;   // freed
    uint32_t thread_ref;
    uint32_t reserved0;
    uint64_t blocks;
    uint64_t bytes;
    uint64_t blocks_after_end; // of these, freed after the allocating task had ended
    uint64_t bytes_after_end;
    uint64_t last_ns; // when the latest of them was freed (coarse)
};

#endif
