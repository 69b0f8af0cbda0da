// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the files report/memscope_rs*.c share. Nobody else includes it.

#ifndef MEMSCOPE_REPORT_MEMSCOPE_RS_PARTS_H
#define MEMSCOPE_REPORT_MEMSCOPE_RS_PARTS_H

#include "json_parts.h"
#include "memscope_rs.h"

#include <profile/blocks.h>

// A thread's root task, a task, or all tasks of a class that are not listed one by one: together
// they hold what the process holds, but for what is nobody's.
struct ms_rs_task {
    uint64_t id, parent_id; // parent 0 = none
    const struct ms_task *task;
    const struct ms_task_class *task_class; // NULL = a root task, or unknown
    uint64_t tasks;                         // how many it stands for
    uint64_t allocations, bytes, frees, live_bytes, peak_bytes;
    uint64_t created_ns, ended_ns; // 0 = unknown, not yet
    bool is_over;
};

struct ms_rs {
    const struct ms_summary *summary;
    struct ms_blocks *blocks;
    enum ms_process_state state;
    uint64_t export_realtime_ns;
    size_t task_count;
    struct ms_rs_task *tasks;
    char **places; // by site, what ms_rs_place has made
};

memscope_status ms_rs_make_tasks(struct ms_rs *rs);
// The id of the task that allocated a block: as in `tasks`.
uint64_t ms_rs_task_of(const struct ms_block *block);
uint64_t ms_rs_thread_id(const struct ms_thread *thread); // 0 = of none

// --- pieces of JSON ----------------------------------------------------------------------------

// Since 1970; null of 0.
json_t *ms_rs_time(const struct ms_rs *rs, uint64_t ns);
json_t *ms_rs_address(uint64_t address); // "0x7f00a0"
json_t *ms_rs_lifetime(const struct ms_block *block);
// "list.c:12 push()"; null where nothing is known.
json_t *ms_rs_place(const struct ms_rs *rs, const struct ms_site *site);
json_t *ms_rs_type(const struct ms_block *block);
json_t *ms_rs_variable(const struct ms_block *block);
json_t *ms_rs_task_name(struct writer *writer, const struct ms_rs *rs,
                        const struct ms_rs_task *task);
// With what all of them hold; `stamped`: and when it was written.
json_t *ms_rs_metadata(struct writer *writer, const struct ms_rs *rs, const char *what,
                       bool stamped);
bool ms_rs_is_truncated(const struct ms_rs *rs);

// dynamic_array, string, smart_pointer, byte_array, large_buffer or custom: what a block of `bytes`
// from `site` (NULL = unknown) is.
const char *ms_rs_category(const struct ms_site *site, uint64_t bytes);
const char *ms_rs_category_name(size_t index); // NULL past the last

// Calls `put` for every listed block, those alive first.
void ms_rs_each_block(struct writer *writer, const struct ms_rs *rs,
                      json_t *(*make)(struct writer *, const struct ms_rs *,
                                      const struct ms_block *));

// --- the files ---------------------------------------------------------------------------------

void ms_rs_memory_analysis(struct writer *writer, const struct ms_rs *rs);
void ms_rs_lifetime_file(struct writer *writer, const struct ms_rs *rs);
void ms_rs_leak_detection(struct writer *writer, const struct ms_rs *rs);
void ms_rs_thread_analysis(struct writer *writer, const struct ms_rs *rs);
void ms_rs_task_graph(struct writer *writer, const struct ms_rs *rs);
void ms_rs_async_analysis(struct writer *writer, const struct ms_rs *rs);
void ms_rs_system_resources(struct writer *writer, const struct ms_rs *rs);

#endif
