// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the hooks of coroutines cost that begin or end (collect/overhead.h). One in MS_TASK_TICK is
// timed where it happens, with what the program's own data has made of the caches, less what two
// readings of the clock take. Nothing of the program runs between these, whose instructions would
// overlap with ours: three quarters of the time are taken, a half is the error.

#ifndef MS_COUNT_TIMED_H
#define MS_COUNT_TIMED_H

#include "collect/thread.h"

enum { MS_TASK_TICK = 128 };

// Is the hook that runs now to be timed? Until start_task_timer was called.
static inline bool is_task_timed(const struct ms_tls *tls) {
    return MS_LIKELY(tls->thread != NULL) && --tls->thread->overhead.until_task_tick < 0;
}

// Returns when it began.
static inline uint64_t start_task_timer(const struct ms_tls *tls) {
    tls->thread->overhead.until_task_tick = MS_TASK_TICK;
    uint64_t empty = ms_cycles_in_order(), began = ms_cycles_in_order();
    return 2 * began - empty;
}

static inline void stop_task_timer(const struct ms_tls *tls, uint64_t began) {
    uint64_t cycles = ms_cycles_in_order();
    if (tls->thread)
        ms_overhead_add_task(&tls->thread->overhead, cycles > began ? cycles - began : 0,
                             MS_TASK_TICK);
}

#endif
