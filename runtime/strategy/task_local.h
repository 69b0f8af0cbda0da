// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TaskLocal and HybridTracking: a task's events are counted into its thread's cells for the task's
// class, as GlobalDirect (one thread) or ThreadLocal (several) would, and into the task's own
// record. There is one such pair of functions: the two differ only in what they build on.

#ifndef MS_TASK_LOCAL_H
#define MS_TASK_LOCAL_H

#include "collect/task.h"
#include "strategy.h"

// `task` NULL: the thread's root task. Not for a task that is leaving.
MS_HOT bool ms_task_local_allocate(struct ms_tls *tls, struct memscope_cell_record *cell,
                                   struct memscope_task_record *task, uint64_t bytes) {
    bool publish = ms_single_threaded() ? ms_global_direct_allocate(tls, cell, bytes)
                                        : ms_thread_local_allocate(tls, cell, bytes);
    if (task)
        ms_task_allocate(task, bytes);
    return publish;
}

#endif
