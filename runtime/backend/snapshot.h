// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The aggregator: reads the records of the running process and sums its cells up, while every other
// thread goes on counting. Exact for each event that is ordered before the call. Takes nothing, and
// no thread waits for it. Any thread; no system call but for memory.
//
// A cell is read so that of what its thread does meanwhile at most one event is half told: a count
// and its bytes are taken between two equal looks at the count. Frees are read before allocations,
// so that none is seen without its allocation (on a CPU that may reorder stores: but for events
// that are not ordered before the call). Counters only rise, so totals never go backward.

#ifndef MS_SNAPSHOT_H
#define MS_SNAPSHOT_H

#include "base/shared.h"

#include <memscope/profile_sessions.h>

// Functions that read what its owner writes with plain stores: each word is whole, as the format
// says, and ThreadSanitizer has no way to know.
#define MS_READS_LIVE MS_NOINLINE __attribute__((no_sanitize("thread")))

// Every record there is at the start of the walk; a record being taken right now may be left out.
struct ms_walk {
    uint64_t next, end;          // units
    uint32_t unit;               // of the record that was found last
    struct memscope_record head; // of the same, as it was read
};
struct ms_walk ms_walk_begin(void);
// The next record of a type (0 = of any); NULL = no more.
const void *ms_walk_next(struct ms_walk *walk, uint8_t type);

// What a cell said when a session began.
struct ms_cell_start {
    uint32_t unit;
    uint32_t reserved;
    struct memscope_session_totals counts;
};

// How many may be needed for ms_snapshot_start.
uint64_t ms_snapshot_cells_most(void);

// Sums up all cells and keeps what each said. Returns how many there are.
uint64_t ms_snapshot_start(struct ms_cell_start *cells, uint64_t most,
                           struct memscope_session_totals *sum_out);

struct ms_interval {
    struct memscope_session_totals now;
    // Of the frees since the start those of blocks from before: at least, and how many more at
    // most.
    uint64_t earlier_frees, earlier_frees_error;
    uint64_t earlier_freed_bytes, earlier_freed_bytes_error;
};

// The same now, against what `cells` kept.
void ms_snapshot_now(const struct ms_cell_start *cells, uint64_t count,
                     struct ms_interval *interval_out);

// A copy of the profile, in a mapping of its own; false = no memory.
bool ms_snapshot_copy(void **bytes_out, size_t *count_out);
void ms_snapshot_free(void *bytes, size_t count);

#endif
