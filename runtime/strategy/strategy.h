// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which buffer an event is counted into, and who may free what. One file each; this header is the
// interface that every strategy serves, and the choice between them.
//
//   ms_<strategy>_allocate(tls, cell, bytes)   a block of `bytes` was allocated into the thread's cell
//   ms_<strategy>_free(tls, cell, bytes, block) a block counted in `cell` was freed
//   ms_<strategy>_attach()                     the calling thread begins to count
//   ms_<strategy>_publish()                    its unpublished bytes go to the process's total
//
// The first two are inlined into the hooks. They run under the guard.
//
// ms_tls.credit is how the process's peak is kept without touching shared memory. GlobalDirect: how
// far the process is below its peak, so that less than zero means a new peak, exact at every
// allocation. ThreadLocal: MS_CREDIT minus what the thread has not yet published; outside
// 0 ... 2 * MS_CREDIT it publishes.

#ifndef MS_STRATEGY_H
#define MS_STRATEGY_H

#include "collect/cell.h"
#include "collect/tls.h"

enum { MS_CREDIT = 64 << 10 };

#include "global_direct.h"
#include "thread_local.h"

// Leaves GlobalDirect, if that is still in force: the calling thread is the only one
// (THREAD_STARTED), or one that no hook saw start (UNKNOWN_THREAD). `site_ref`: where the thread is
// started, 0 = unknown.
void ms_strategy_upgrade(enum memscope_upgrade reason, uint32_t site_ref);

void ms_strategy_attach(void);
void ms_strategy_publish(void);

// The thread that counted under GlobalDirect takes notice of an upgrade at its next event.
static inline bool ms_strategy_is_global_direct(const struct ms_tls *tls) {
    if (MS_LIKELY(ms_load(&ms_shared.strategy) == MEMSCOPE_STRATEGY_GLOBAL_DIRECT))
        return true;
    if (MS_UNLIKELY(ms_load(&ms_shared.unconverted) == tls))
        ms_thread_local_convert();
    return false;
}

static inline void ms_strategy_allocate(struct ms_tls *tls, struct memscope_cell_record *cell,
                                        uint64_t bytes) {
    if (ms_strategy_is_global_direct(tls))
        ms_global_direct_allocate(tls, cell, bytes);
    else
        ms_thread_local_allocate(tls, cell, bytes);
}

static inline void ms_strategy_free(struct ms_tls *tls, struct memscope_cell_record *cell,
                                    uint64_t bytes, const void *block) {
    if (ms_strategy_is_global_direct(tls))
        ms_global_direct_free(tls, cell, bytes, block);
    else
        ms_thread_local_free(tls, cell, bytes, block);
}

#endif
