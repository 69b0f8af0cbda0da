// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TaskLocal and HybridTracking: a task's events are counted into its thread's cells for the task's
// class, as GlobalDirect (one thread) or ThreadLocal (several) would, and into the task's own
// record. There is one function for both: they differ only in what they build on.

#include "strategy.h"

#include "collect/task.h"

bool ms_task_local_free(struct ms_tls *tls, struct memscope_cell_record *cell, uint64_t bytes,
                        const void *block) {
    bool single = ms_single_threaded();
    if (cell->thread_ref == tls->record_ref && !(cell->record.flags & MEMSCOPE_CELL_ATOMIC)) {
        ms_cell_keep_peak(cell, ms_epoch());
        ms_cell_free(cell, bytes);
        if (!single)
            tls->record->live_bytes -= (int64_t)bytes;
        if (block == tls->last_block)
            cell->temporary++;
    } else {
        ms_thread_local_free_remote(cell, bytes);
    }
    ms_task_free(tls, cell, block, bytes);
    tls->credit += (int64_t)bytes;
    return !single && tls->credit > 2 * MS_CREDIT;
}
