// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The level of tracking (profile_sampling.h): whole stacks, sites alone, samples, totals. It is the
// process's; each thread takes notice on its next slow path. Lock-free.

#ifndef MS_LEVEL_H
#define MS_LEVEL_H

#include "tls.h"

#include <memscope/profile_sampling.h>

#define MS_NOT_MEASURED UINT64_MAX

struct ms_level_change {
    enum memscope_level level;
    enum memscope_level_reason reason;
    uint64_t interval_bytes; // of MEMSCOPE_LEVEL_SAMPLED
    uint64_t overhead_ppm;   // of the time before; MS_NOT_MEASURED
    uint64_t error_ppm;
};

// A profile begins: the level that the options ask for.
void ms_level_begin_profile(void);

// What a call of backend.h asks for; nothing changes where it is so already. False: not now.
bool ms_level_configure(double sample_rate, double max_overhead_percent);

// From now on; on record. By one thread at a time.
void ms_level_change(const struct ms_level_change *change);

// The calling thread, attached, under the guard, does as the process's level says.
void ms_level_take_notice(struct ms_tls *tls);

#endif
