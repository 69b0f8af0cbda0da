// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions in the profile: a part of profile_format.h.

#ifndef MEMSCOPE_PROFILE_SESSIONS_H
#define MEMSCOPE_PROFILE_SESSIONS_H

#include "profile_format.h"

enum memscope_session_state {
    MEMSCOPE_SESSION_UNUSED = 0,
    MEMSCOPE_SESSION_OPEN = 1,
    MEMSCOPE_SESSION_ENDED = 2,
};

// Of all cells.
struct memscope_session_totals {
    uint64_t allocations;
    uint64_t bytes;
    uint64_t frees;
    uint64_t freed_bytes;
};

#define MEMSCOPE_SESSION_OVERHEAD 1u // overhead_percent and overhead_error were measured

// An interval that the program asked for (backend.h). Its name is instance[0] and instance[1] in 32
// hexadecimal digits, "-" and its number; the process as a whole is number 0 and has no record.
struct memscope_session_record {
    struct memscope_record record; // flags: MEMSCOPE_SESSION_*
    uint32_t state;                // enum memscope_session_state
    uint32_t strategy;             // enum memscope_strategy; of this and the next two the latest
    uint32_t environment;          // enum memscope_environment_kind
    uint32_t thread_highest;       // of the process so far
    uint64_t async_task_count;     // alive
    uint64_t number;               // from 1 on, in order of start
    uint64_t start_ns;
    uint64_t end_ns;
    struct memscope_session_totals start;
    struct memscope_session_totals end; // zero while it is open: what the cells say
    uint64_t peak_bytes;                // while it is open: or header.latest_peak, if that is more
    uint64_t peak_error_bytes;
    // Of the frees those of blocks from before: at least, and how many more at most. Zero while it
    // is open.
    uint64_t earlier_frees;
    uint64_t earlier_frees_error;
    uint64_t earlier_freed_bytes;
    uint64_t earlier_freed_bytes_error;
    double overhead_percent;
    double overhead_error;
    uint64_t runtime[1]; // the runtime's own
};

#endif
