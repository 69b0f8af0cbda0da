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

MS_NOINLINE static uint64_t start_task_timer(struct ms_overhead *overhead) {
    overhead->until_task_tick = MS_TASK_TICK - 1;
    uint64_t empty = ms_cycles_in_order(), began = ms_cycles_in_order();
    return 2 * began - empty;
}

// When it began; 0 = is not timed.
static inline uint64_t begin_task_timer(const struct ms_tls *tls) {
    if (MS_UNLIKELY(!tls->thread) || MS_LIKELY(--tls->thread->overhead.until_task_tick >= 0))
        return 0;
    return start_task_timer(&tls->thread->overhead);
}

MS_NOINLINE static void stop_task_timer(struct ms_overhead *overhead, uint64_t began) {
    uint64_t cycles = ms_cycles_in_order();
    ms_overhead_add_task(overhead, cycles > began ? cycles - began : 0, MS_TASK_TICK);
}

static inline void end_task_timer(const struct ms_tls *tls, uint64_t began) {
    if (MS_UNLIKELY(began != 0) && tls->thread)
        stop_task_timer(&tls->thread->overhead, began);
}

#endif
