// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The guard (count.h) of threads with flags that stay: tasks, samples.

#ifndef MS_COUNT_GUARD_H
#define MS_COUNT_GUARD_H

#include "count.h"

static inline void task_guard_take(struct ms_tls *tls) {
    ms_set_bits(&tls->special, ms_stack_pointer());
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void task_guard_release(struct ms_tls *tls) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    ms_clear_bits(&tls->special, MS_SPECIAL_GUARD);
}

#endif
