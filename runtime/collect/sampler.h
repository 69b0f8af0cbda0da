// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread's sampling: which of its blocks stand for the others (profile_sampling.h). A countdown
// of bytes to the next sample; the distances are exponentially distributed, so that each block is
// sampled independently of all others. Integers alone: the program may have its floating-point unit
// set to trap. Used by its thread, under the guard.

#ifndef MS_SAMPLER_H
#define MS_SAMPLER_H

#include "base/shared.h"

#include <memscope/profile_sampling.h>

struct ms_sampler {
    int64_t left;                           // bytes to the next block that is looked at
    struct memscope_cell_record *unsampled; // of the thread's root task; NULL = none yet
    uint32_t unsampled_brief;           // the brief record of a block of no bytes in it; 0 = none
    int64_t rest;                       // from there to the next sample
    int64_t stretch;                    // between two looks
    uint64_t interval_bytes;            // mean distance; 0 = none is sampled
    uint64_t random;                    // state of the generator
    uint64_t timed_blocks, timed_bytes; // of that cell when an allocation was timed last
    bool is_on;                         // of this thread's allocations samples are taken
    bool is_due;                        // the next allocation is to be timed
    uint32_t level_number;              // of the level that the thread has taken notice of
};

// Seeded by the thread's index: with sample_seed the same program samples the same blocks.
void ms_sampler_seed(struct ms_sampler *sampler, uint32_t thread_index);

// From now on one sample in `interval_bytes` (0 = none).
void ms_sampler_start(struct ms_sampler *sampler, uint64_t interval_bytes);

// What a block takes from the distance: not less than memscope_sample_bytes, but found in one
// instruction. Where that ends the distance though the block is no sample, a new one is drawn.
MS_HOT uint64_t ms_sample_reach(uint64_t bytes) {
    return 2 * bytes + 16;
}

// The next look at a block is so many bytes away, if no sample is before that.
enum { MS_LEAST_STRETCH = 1 << 14, MS_FIRST_STRETCH = 1 << 16, MS_LARGEST_STRETCH = 1 << 26 };
void ms_sampler_stretch(struct ms_sampler *sampler, int64_t bytes);

// A block of `bytes`: is it sampled? Where the distance ends in what was taken from it too much,
// that is none, and a new one is drawn: what is left of an exponential distribution is one.
bool ms_sampler_take(struct ms_sampler *sampler, uint64_t bytes);

// The mean distance for a sample_rate in [0, 1): -1024 / ln(1 - rate); 0 for 0.
uint64_t ms_sample_interval(double rate);

#endif
