// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks of a profile: who holds the bytes. Part of a summary, made and destroyed with it.
//
// Every cell belongs to one party: a task class, a thread's root task, or (no room, damage) nobody.
// So the counts of all classes, of all root tasks and `unowned` add up to those of the process.

#ifndef MEMSCOPE_PROFILE_TASKS_H
#define MEMSCOPE_PROFILE_TASKS_H

#include <profile/profile.h>

#define MS_NO_TASK UINT32_MAX

// Of the ended tasks of a class. Percentiles are read from the middle of a bucket and are off by at
// most MEMSCOPE_TASK_BUCKET_ERROR_PERCENT; sum and max are exact.
struct ms_distribution {
    uint64_t p50, p90, p99, max, sum;
};

// What the tasks of one function, started at one place, have in common. All class records of the
// same kind, function, place, name and spawn place are one.
struct ms_task_class {
    uint32_t id; // ref of its first record
    uint32_t kind;
    const char *function, *file, *name, *promise_type; // NULL = unknown, or none
    uint32_t line, column;
    const struct ms_site *entry_site; // of a fiber, where its function is; NULL = none, unknown
    const struct ms_site *spawn_site; // NULL = unknown
    struct ms_counts counts;          // exact sums over all its tasks, ended ones too
    uint64_t started, ended, alive, elided;
    uint64_t resumes, migrations; // ended tasks and those alive
    uint64_t in_flight;           // threads that were counting an end just then: one task each
    struct ms_distribution measures[MEMSCOPE_MEASURES]; // by enum memscope_task_measure
    uint64_t largest_peak_bytes;                        // of one task, ended or not

    // The same bytes, counted task by task. A profile at rest has task_bytes == counts.bytes and
    // task_live_bytes == counts.live_bytes.
    uint64_t task_bytes, task_live_bytes;
};

// A task that is alive, that blocks outlived, or one of the heaviest that ended; and every thread's
// root task.
struct ms_task {
    int64_t id; // of root tasks -1 - the thread's index
    uint64_t parent_id;
    const struct ms_task_class *task_class; // NULL = a root task, or unknown
    const struct ms_thread *thread;         // runs it or ran it last; NULL = unknown
    const char *name, *label;               // NULL = none
    uint32_t ref;
    uint32_t parent;   // index in tasks; MS_NO_TASK = none, ended, or unknown
    uint8_t kind;      // enum memscope_task_kind
    uint8_t state;     // enum memscope_task_state
    uint8_t edge;      // enum memscope_task_edge
    uint8_t edge_rule; // enum memscope_edge_rule
    bool elided;
    bool parent_gone; // parent_id names a task that has ended
    uint32_t frame_bytes;
    uint32_t resumes, migrations;
    uint64_t allocations, bytes, frees, live_blocks, live_bytes, peak_bytes;
    uint64_t outlived_blocks, outlived_bytes; // alive at its end; of root tasks 0
    uint64_t created_ns, ended_ns;            // ended 0 = not yet
};

// A class, or the thread whose root task it is. Both NULL = unknown.
struct ms_party {
    const struct ms_task_class *task_class;
    const struct ms_thread *thread;
};

// Blocks that `from` allocated and `to` freed; one for each pair.
struct ms_transfer {
    struct ms_party from, to;
    uint64_t blocks, bytes;
    uint64_t blocks_after_end, bytes_after_end; // freed after the allocating task had ended
    uint64_t last_ns;
};

struct ms_tasks {
    size_t task_count, root_count, class_count, transfer_count;
    struct ms_task *tasks;         // root tasks first, as summary->threads; then by id
    struct ms_task_class *classes; // by id
    struct ms_transfer *transfers; // most bytes first
    struct ms_counts unowned;
    uint64_t started, ended, alive; // of all classes
    uint64_t async_alive;           // of these, coroutines and fibers
    uint64_t cycles;                // parents that were not believed: they led in a circle
};

// Whether anything but root tasks was there.
bool ms_has_tasks(const struct ms_tasks *tasks);
bool ms_task_is_alive(const struct ms_task *task);
// Bytes that outlived the task: of an ended root task but the first what still lives.
uint64_t ms_task_outlived_bytes(const struct ms_task *task);
// "-1 - index" for a thread, the class's id, 0 = unknown
int64_t ms_party_id(const struct ms_party *party);

// The function of a class, of a fiber by its entry's symbols; all zero where unknown (or NULL).
struct ms_frame ms_task_class_frame(const struct ms_summary *summary,
                                    const struct ms_task_class *task_class);

enum ms_task_order {
    MS_TASKS_BY_LIVE,
    MS_TASKS_BY_PEAK,
    MS_TASKS_BY_TOTAL,
    MS_TASKS_BY_CALLS,
    MS_TASKS_BY_OUTLIVED,
    MS_TASKS_BY_RESUMES,
    MS_TASKS_BY_AGE,   // of tasks only: the oldest first
    MS_TASKS_BY_COUNT, // of classes only: tasks started
};

uint64_t ms_task_weight(const struct ms_task *task, enum ms_task_order order);
// From most to least; the same profile always gives the same order.
void ms_tasks_sort(const struct ms_task **tasks, size_t count, enum ms_task_order order);
void ms_task_classes_sort(const struct ms_task_class **classes, size_t count,
                          enum ms_task_order order);

const char *ms_task_order_name(enum ms_task_order order); // NULL past the last
const char *ms_task_kind_name(uint32_t kind);
const char *ms_task_state_name(uint32_t state); // "suspended"
const char *ms_task_edge_name(uint32_t edge);   // "awaits"

#endif
