// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sessions of a profile: those that the program asked for, or the one that is its whole life.

#ifndef MEMSCOPE_PROFILE_READ_SESSIONS_H
#define MEMSCOPE_PROFILE_READ_SESSIONS_H

#include "profile.h"

#include <memscope/profile_sessions.h>

struct ms_session {
    char id[64];
    uint64_t number; // 0 = the process's life
    bool is_open;    // when the profile was read: its interval goes up to that, or to the end
    uint64_t start_realtime_ns;
    uint64_t elapsed_ns; // 0 = nobody wrote down the end
    uint32_t environment, strategy;
    uint32_t thread_highest;
    uint64_t async_task_count;
    struct memscope_session_totals interval;
    uint64_t live_allocations, live_bytes; // of the process, at the interval's end
    uint64_t peak_bytes, peak_error_bytes;
    bool knows_earlier; // which frees were of blocks from before: not told while it is open
    uint64_t earlier_frees, earlier_frees_error;
    uint64_t earlier_freed_bytes, earlier_freed_bytes_error;
    bool knows_overhead;
    double overhead_percent, overhead_error;
};

// By number. To be freed with free(); NULL = out of memory.
struct ms_session *ms_sessions_read(const struct ms_summary *summary, size_t *count_out);

// The kind of program it was, whatever strategy was forced.
uint32_t ms_profile_environment(const struct memscope_profile_header *header);
// enum memscope_strategy; MEMSCOPE_STRATEGY_NONE: none was forced.
int ms_profile_forced_strategy(const struct memscope_profile_header *header);
// It was forced and could not have been exact.
bool ms_profile_strategy_upgraded(const struct memscope_profile_header *header);

#endif
