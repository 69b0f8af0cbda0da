// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What of a profile is estimated, from which samples, at which times, and what tracking cost:
// docs/sampling.md. Thread-safety as in profile.h.

#ifndef MEMSCOPE_PROFILE_SAMPLING_READ_H
#define MEMSCOPE_PROFILE_SAMPLING_READ_H

#include "profile.h"

#include <memscope/profile_sampling.h>

// The probability that a block which counts for so many bytes is sampled; 1 of interval 0, which
// no sound record has.
double ms_sample_probability(uint64_t sample_bytes, uint64_t interval_bytes);

// Half of the interval in which 95 of 100 such estimates lie.
double ms_error_95(double variance);

// Samples of one mean distance.
struct ms_sample_interval {
    uint64_t interval_bytes;
    uint64_t blocks, bytes; // sampled, not weighted
};

// Ascending; to be freed with free(). NULL = out of memory.
struct ms_sample_interval *ms_sample_intervals(const struct ms_summary *summary, size_t *count_out);

// A time in which allocations were counted in one way.
struct ms_level {
    uint32_t record;             // its ref; 0 = there is none: it began so
    uint64_t since_ns, until_ns; // since the start of the process; until 0 = nobody knows
    uint32_t level;              // enum memscope_level
    uint32_t reason;             // enum memscope_level_reason, or one of a newer runtime
    uint64_t interval_bytes;     // of MEMSCOPE_LEVEL_SAMPLED, else 0
    double sample_rate;          // the probability of a block of MEMSCOPE_SAMPLE_UNIT bytes
    double overhead_percent, overhead_error; // of the time before; NaN = not measured
    double budget_percent;                   // NaN = not told, 0 = none
};

// From the start of the process on, at least one. To be freed with free(); NULL = out of memory.
struct ms_level *ms_levels_read(const struct ms_summary *summary, size_t *count_out);

bool ms_level_is_estimated(uint32_t level);
const char *ms_level_name(uint32_t level);         // "contexts"
const char *ms_level_reason_name(uint32_t reason); // "over_budget"

// What tracking cost, of the program's own CPU time. False = it was not measured.
struct ms_overhead {
    double percent, error; // 95 % of the time it is off by less, either way
    uint64_t cpu_ns;       // CPU time of the process then, tracking included
};
bool ms_overhead_read(const struct ms_profile *profile, struct ms_overhead *overhead_out);

#endif
