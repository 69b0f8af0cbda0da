// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The guard (count.h) of threads with flags that stay: tasks, samples.

#ifndef MS_COUNT_GUARD_H
#define MS_COUNT_GUARD_H

#include "count.h"

// How a free ended, or did not.
enum ms_end {
    MS_END_COUNTED,
    MS_END_SLOW,    // nothing was done yet
    MS_END_PUBLISH, // counted; publish, then release the guard
    MS_END_REMOTE,  // another thread's cell is to be changed
};

static inline void flags_guard_take(struct ms_tls *tls) {
    ms_set_bits(&tls->special, ms_stack_pointer());
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void flags_guard_release(struct ms_tls *tls) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    ms_clear_bits(&tls->special, MS_SPECIAL_GUARD);
}

#endif
