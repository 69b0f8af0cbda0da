// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tracking costs, measured as it runs. Of each thread one allocation in MS_TICK is timed - of
// these one in MS_TIMED_ONE_IN where no budget has to be kept, after the first ones; while samples
// are taken, one in MS_SAMPLED_TICK - and a free after it:
//
//   cost of an event = hot cost + its time - the time of a control
//
// Calibration measures the hot cost, at the first ticks of a thread: of hooks in a loop by
// themselves, which wait for each other, and of hooks among other code, whose instructions overlap
// with theirs. The truth lies between the two (docs/performance.md): the middle is taken, half the
// distance is its error. The control is an event of the same kind on a cell of ours right before
// it, so that the difference is what caches make of it that the program has filled with its own
// data. The lines of the program's that ours displace cost it as much again at most, which is part
// of the error. Slow paths are timed themselves. Times are cycles of the CPU's time stamp counter.
// Integers alone, no lock.

#ifndef MS_OVERHEAD_H
#define MS_OVERHEAD_H

#include "base/shared.h"

enum ms_timed { MS_TIMED_ALLOCATION, MS_TIMED_FREE, MS_TIMED_KINDS };

struct ms_timing {
    uint64_t count;   // of timed events
    int64_t cycles;   // the sum of their differences to controls
    uint64_t squares; // of these
    uint64_t events;  // that they stand for
};

// A thread's. Written by it alone, read by whoever sums up.
struct ms_overhead {
    struct ms_timing timed[MS_TIMED_KINDS];
    int64_t fast_cycles;  // estimate for all events of the fast paths
    uint64_t slow_cycles; // of slow paths, and of asking for memory
    uint64_t slow_events;
    uint64_t slow_timed, slow_next, slow_random; // when one was timed last, and will be next
    uint64_t task_cycles, task_events;           // the same of coroutines and what they allocate
    int32_t until_task_tick;
    int64_t spread_cycles; // its error, but for chance
    // What a pair of hot events costs by itself, and among other code, in 1/256 of cycles.
    uint64_t hot_alone_256, hot_among_256;
    uint64_t stands_for;  // events of a kind that the one timed now stands for
    uint64_t untimed;     // allocations since one was timed
    uint64_t looks;       // how often one was due
    uint32_t calibrated;  // how often that was measured; the least counts
    uint32_t waited;      // allocations since one was timed, without a free
    uint32_t calibration; // of which level and strategy that is; 0 = of none
};

// The process's up to now.
struct ms_overhead_sum {
    uint64_t overhead_ns, error_ns; // 95 %: off by less than that, either way
    uint64_t cpu_ns;
    uint64_t events; // allocations, to within those between two timed ones of each thread
    uint64_t cycles_per_ms;
};

// A profile begins.
void ms_overhead_begin_profile(void);

// Another level or strategy: what was measured is of another.
void ms_overhead_recalibrate(struct ms_overhead *overhead, uint32_t calibration);
// A pair of hot events costs so much by itself, and among other code. Measured a few times: a
// process begins on a CPU that may have been asleep.
void ms_overhead_calibrate(struct ms_overhead *overhead, uint64_t alone_256, uint64_t among_256);

// An event that took `cycles`, its control `control` (0 = there was none); it stands for
// `stands_for` of them.
void ms_overhead_add(struct ms_overhead *overhead, enum ms_timed kind, uint64_t cycles,
                     uint64_t control);

// One that was counted otherwise.
void ms_overhead_add_none(struct ms_overhead *overhead, enum ms_timed kind);

// One is due to be timed: is it? What waits for the clock is not cheap: where no budget has to be
// kept, one in so many is enough after the first ones of a thread.
enum { MS_TIMED_FIRST = 256, MS_TIMED_ONE_IN = 8 };
static inline bool ms_overhead_times(struct ms_overhead *overhead, bool has_budget) {
    overhead->looks++;
    return has_budget || overhead->looks <= MS_TIMED_FIRST ||
           overhead->looks % MS_TIMED_ONE_IN == 0;
}

// One of a thread with tasks, which stands for so many.
void ms_overhead_add_task(struct ms_overhead *overhead, uint64_t cycles, uint64_t stands_for);

// Around a slow path: when it began, 0 = is not timed. The first ones all are, then about
// one in 16, which stands for those before it.
uint64_t ms_overhead_begin_slow(struct ms_overhead *overhead);
void ms_overhead_end_slow(struct ms_overhead *overhead, uint64_t began);

// What was timed otherwise.
void ms_overhead_add_slow(struct ms_overhead *overhead, uint64_t cycles);

// New pages of the profile, which are touched at once.
void ms_overhead_add_pages(uint64_t cpu_ns);

// Sums up all threads; into the profile's header, too. A system call.
void ms_overhead_measure(struct ms_overhead_sum *sum_out);

// An estimate may be too high - a slow path that was interrupted lasts long - but not all of the
// time is ours: 99 % at most.
uint64_t ms_overhead_most(uint64_t cpu_ns);

// Parts per million of the program's own CPU time, 99 times that at most.
uint64_t ms_overhead_ppm(uint64_t overhead_ns, uint64_t cpu_ns);

#endif
