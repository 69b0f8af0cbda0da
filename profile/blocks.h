// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Single blocks of a profile, where the option `records` had them kept.

#ifndef MEMSCOPE_PROFILE_READ_BLOCKS_H
#define MEMSCOPE_PROFILE_READ_BLOCKS_H

#include <profile/tasks.h>

#include <memscope/profile_blocks.h>

struct ms_block {
    uint64_t address, bytes;
    const struct ms_site *site;             // NULL = unknown
    const struct ms_thread *thread;         // that allocated it; NULL = of no thread
    const struct ms_task_class *task_class; // NULL = a thread's root task
    uint64_t task_id;                       // 0 = a thread's root task
    uint64_t allocated_ns;                  // 0 = unknown
    uint64_t freed_ns;                      // 0 = alive
    const struct ms_thread *freed_by;       // NULL = alive, unknown
    uint64_t number;                        // among all freed ones
    uint32_t place;
};

struct ms_blocks {
    uint64_t limit; // of either list; 0 = none were kept
    uint64_t seed;
    uint64_t freed;  // that could have come into the sample
    uint64_t missed; // of these, drawn without room for them
    size_t alive_count, sample_count;
    struct ms_block *alive;  // oldest first
    struct ms_block *sample; // freed ones, an even sample, in order of their end
};

// OK or OUT_OF_MEMORY. The summary must outlive the blocks.
memscope_status ms_blocks_read(const struct ms_summary *summary, struct ms_blocks **blocks_out);
void ms_blocks_destroy(struct ms_blocks *blocks);

#endif
