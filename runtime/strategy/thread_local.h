// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ThreadLocal: a buffer for each thread, written by it alone; a block of another thread is freed
// through atomic fields. The process's peak is low by at most 2 * MS_CREDIT bytes a
// thread, and never high.

#ifndef MS_THREAD_LOCAL_H
#define MS_THREAD_LOCAL_H

#include "strategy.h"

void ms_thread_local_publish(void);

uint64_t ms_thread_local_begin_peak(void); // of ms_strategy_begin_peak

// A cell freed into by a thread that does not own it. Not inlined: its atomics cost more than the
// call.
void ms_thread_local_free_remote(struct memscope_cell_record *cell, uint64_t bytes);

// Any block, also another thread's or a task's (task_local.c).
MS_NOINLINE bool ms_task_local_free(struct ms_tls *tls, struct memscope_cell_record *cell,
                                    uint64_t bytes, const void *block);

// What the thread has alive by itself, and has not published. `bytes` more: true: then publish.
MS_HOT bool ms_thread_local_charge(struct ms_tls *tls, uint64_t bytes) {
    struct memscope_thread_record *own = tls->record;
    own->live_bytes += (int64_t)bytes;
    int64_t live = own->live_bytes - (int64_t)ms_load(&own->remote_freed_bytes);
    if (live > (int64_t)own->peak_bytes)
        own->peak_bytes = (uint64_t)live;
    tls->credit -= (int64_t)bytes;
    return tls->credit < 0;
}

// ... and less, by what it allocated itself, which is off its credit already.
MS_HOT bool ms_thread_local_discharge(struct ms_tls *tls, uint64_t bytes) {
    tls->record->live_bytes -= (int64_t)bytes;
    return tls->credit > 2 * MS_CREDIT;
}

MS_HOT bool ms_thread_local_allocate(struct ms_tls *tls, struct memscope_cell_record *cell,
                                     uint64_t bytes) {
    ms_cell_keep_peak(cell, ms_epoch());
    ms_cell_allocate(cell, bytes, true);
    return ms_thread_local_charge(tls, bytes);
}

// The thread's own cell, of its root task.
MS_HOT bool ms_thread_local_owns(const struct ms_tls *tls,
                                 const struct memscope_cell_record *cell) {
    return cell->thread_ref == tls->record_ref &&
           (cell->record.flags & (MEMSCOPE_CELL_ATOMIC | MEMSCOPE_CELL_TASK)) == 0;
}

MS_HOT bool ms_thread_local_free_own(struct ms_tls *tls, struct memscope_cell_record *cell,
                                     uint64_t bytes, const void *block) {
    ms_cell_keep_peak(cell, ms_epoch());
    ms_cell_free(cell, bytes);
    tls->record->live_bytes -= (int64_t)bytes;
    if (block == tls->last_block)
        cell->temporary++;
    tls->credit += (int64_t)bytes;
    return tls->credit > 2 * MS_CREDIT;
}

static inline bool ms_thread_local_free(struct ms_tls *tls, struct memscope_cell_record *cell,
                                        uint64_t bytes, const void *block) {
    if (ms_thread_local_owns(tls, cell))
        return ms_thread_local_free_own(tls, cell, bytes, block);
    return ms_task_local_free(tls, cell, bytes, block);
}

void ms_thread_local_attach(void);

// The thread that counted under GlobalDirect goes on under ThreadLocal.
void ms_thread_local_convert(void);

#endif
