// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of the public API (include/memscope/backend.h) that its files share.

#ifndef MS_BACKEND_H
#define MS_BACKEND_H

#include "call.h"
#include "snapshot.h"

#include "collect/overhead.h"

// What options ask for: a strategy, no detection. Once a profile, of an attached thread, under the
// guard.
void ms_backend_begin_profile(void);

// OK, ENDED, FORKED or INVALID_ARGUMENT, with words. Takes no lock: what it says may be over at
// once.
memscope_status ms_backend_check(struct ms_call *call, memscope_backend backend);

// The upper half of a handle is a ref of the process that made it: FORKED where that is a forebear,
// INVALID_ARGUMENT where it is nobody.
memscope_status ms_handle_check(struct ms_call *call, uint64_t handle, const char *what);

// The backend is open: asked under the lock.
bool ms_backend_is_open(memscope_backend backend);

// All but the session's own part: environment, strategy, a copy of the profile.
memscope_status ms_analysis_fill(struct ms_call *call, struct memscope_analysis *data);
void ms_analysis_statistics(struct memscope_analysis *data,
                            const struct memscope_session_totals *start,
                            const struct ms_interval *interval, uint64_t duration_ns,
                            uint64_t peak_bytes);
// Since `start`; once the statistics are there.
void ms_analysis_overhead(struct memscope_analysis *data, const struct ms_interval *interval,
                          const struct ms_overhead_sum *start);
void ms_analysis_name(struct memscope_analysis *data, uint64_t number, uint64_t start_ns);

// 32 hexadecimal digits, "-", the number.
void ms_session_name(char id_out[MEMSCOPE_SESSION_ID_BYTES], uint64_t number);

// How far a peak can be off (profile_format.h).
uint64_t ms_peak_error(void);

// All that are open; the backend shuts down.
void ms_sessions_end_all(void);

#endif
