// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which buffer an event is counted into, and who may free what. One file each; this header is the
// interface that every strategy serves, and the choice between them.
//
//   ms_<strategy>_allocate(tls, cell, bytes)    a block of `bytes` was allocated into a cell of the
//                                               thread's own
//   ms_<strategy>_free(tls, cell, bytes, block) a block counted in `cell` was freed
//   ms_<strategy>_attach()                      the calling thread begins to count
//   ms_<strategy>_publish()                     its unpublished bytes go to the process's total;
//   the
//                                               shadow is made ready where the heap grows
//
// The first two are inlined into the hooks and run under the guard. They return true where the
// thread must publish now: the caller does that last, so that the fast path saves no registers for
// it. (GlobalDirect has nothing to publish at a free.)
//
// TaskLocal and HybridTracking add the running task's part to GlobalDirect's and ThreadLocal's.
//
// ms_tls.credit is how the process's peak is kept without touching shared memory. GlobalDirect: how
// far the process is below its peak (since the latest session began), so that less than zero means
// a new peak, exact at every allocation. ThreadLocal: MS_CREDIT minus what the thread has not yet
// published; outside 0 ... 2 * MS_CREDIT it publishes, so that it withholds MS_CREDIT bytes at
// most, either way.

#ifndef MS_STRATEGY_H
#define MS_STRATEGY_H

#include "collect/cell.h"
#include "collect/shadow.h"
#include "collect/tls.h"

enum { MS_CREDIT = 32 << 10 };

#include "global_direct.h"
#include "thread_local.h"

// The strategies' numbers say what they know (memscope_strategy): bit 0 threads, bit 1 tasks.
// Upgrading sets a bit, if it was not set: the calling thread is the only one (THREAD_STARTED), or
// one that no hook saw start (UNKNOWN_THREAD), or has begun a task (TASK_STARTED). `site_ref`:
// where the thread is started, 0 = unknown.
void ms_strategy_upgrade(enum memscope_upgrade reason, uint32_t site_ref);

// The strategy is at least this one from now on, though nothing of it was met yet. Of an attached
// thread, under the guard. False: no memory for tasks.
bool ms_strategy_force(uint32_t strategy); // enum memscope_strategy

// A session begins: header.latest_peak goes on from what is alive now. Returns what it was until
// now. Under the guard.
uint64_t ms_strategy_begin_peak(void);

void ms_strategy_attach(void);
void ms_strategy_publish(void);

// Once threads run: the thread that counted under GlobalDirect takes notice of the upgrade at its
// next event, on the slow path; true until then.
MS_HOT bool ms_strategy_is_outdated(const struct ms_tls *tls) {
    return ms_load(&ms_shared.unconverted) == tls;
}

// For the slow paths; the fast ones spell the choice out (entry/count.h).
static inline bool ms_strategy_allocate(struct ms_tls *tls, struct memscope_cell_record *cell,
                                        uint64_t bytes) {
    bool is_single = ms_single_threaded();
    ms_cell_keep_peak(cell, ms_epoch());
    if (MS_UNLIKELY(cell->record.flags & MEMSCOPE_CELL_UNSAMPLED))
        ms_cell_allocate_unsampled(cell, bytes);
    else
        ms_cell_allocate(cell, bytes, !is_single);
    return is_single ? ms_global_direct_charge(tls, bytes) : ms_thread_local_charge(tls, bytes);
}

static inline bool ms_strategy_free(struct ms_tls *tls, struct memscope_cell_record *cell,
                                    uint64_t bytes, const void *block) {
    if (tls->special & MS_SPECIAL_TASKS)
        return ms_task_local_free(tls, cell, bytes, block);
    if (!ms_single_threaded())
        return ms_thread_local_free(tls, cell, bytes, block);
    ms_cell_keep_peak(cell, ms_epoch());
    ms_global_direct_free(tls, cell, bytes, block);
    return false;
}

#endif
