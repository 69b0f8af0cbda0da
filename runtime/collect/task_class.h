// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Task classes: what the tasks of one function, started at one place, have in common, and the
// distributions that ended tasks leave behind. The class record is shared; each thread counts into
// a fold record of its own. Slow path, under the guard.

#ifndef MS_TASK_CLASS_H
#define MS_TASK_CLASS_H

#include "task.h"

#include <memscope/abi.h>

// Where tasks of a class are started: by a static site, or by a return address.
struct ms_spawn {
    struct memscope_site *site;
    const void *return_address;
};

#define MS_SPAWN_RETURN_ADDRESS (1ull << 63)
MS_HOT uint64_t ms_spawn_word(struct ms_spawn spawn) {
    return spawn.site ? (uint64_t)(uintptr_t)spawn.site
                      : (uint64_t)(uintptr_t)spawn.return_address | MS_SPAWN_RETURN_ADDRESS;
}

// The calling thread's fold record for a coroutine function; NULL = no room.
MS_COLD struct memscope_task_fold_record *ms_fold_first(struct memscope_coroutine *coroutine,
                                                        struct ms_spawn spawn);

// NULL = not known yet.
MS_HOT struct memscope_task_fold_record *ms_fold_known(const struct ms_tls *tls,
                                                       const struct memscope_coroutine *coroutine,
                                                       struct ms_spawn spawn) {
    return ms_lookup_find(&tls->thread->lookup, (uint64_t)(uintptr_t)coroutine,
                          ms_spawn_word(spawn));
}

static inline struct memscope_task_fold_record *
ms_fold_of_coroutine(const struct ms_tls *tls, struct memscope_coroutine *coroutine,
                     struct ms_spawn spawn) {
    struct memscope_task_fold_record *fold = ms_fold_known(tls, coroutine, spawn);
    return MS_LIKELY(fold != NULL) ? fold : ms_fold_first(coroutine, spawn);
}

// The same for a fiber (`function` is where it enters, flags: MEMSCOPE_TASK_CLASS_*) or a named
// scope.
struct memscope_task_fold_record *ms_fold_of_fiber(const void *function, uint32_t flags,
                                                   struct ms_spawn spawn);
struct memscope_task_fold_record *ms_fold_of_name(enum memscope_task_kind kind, const char *name,
                                                  struct ms_spawn spawn);

// The calling thread's fold record for a class.
struct memscope_task_fold_record *ms_fold_of_class(uint32_t class_ref);

MS_HOT void ms_fold_measure(struct memscope_task_fold_record *fold,
                            enum memscope_task_measure which, uint64_t bytes, uint32_t bucket) {
    fold->sum[which] += bytes;
    if (MS_UNLIKELY(bytes > fold->max[which]))
        fold->max[which] = bytes;
    fold->histogram[which][bucket]++;
}

// An ended task's figures into its class: what it allocated, and what of that is left.
MS_HOT void ms_fold_task(struct memscope_task_fold_record *fold,
                         const struct memscope_task_record *task, uint64_t total_bytes,
                         uint64_t outlived_bytes) {
    uint64_t peak = ms_load(&task->peak_bytes);
    uint32_t total_bucket = memscope_task_bucket(total_bytes);
    uint32_t peak_bucket = peak == total_bytes ? total_bucket : memscope_task_bucket(peak);
    ms_release(&fold->sequence, fold->sequence + 1);
    fold->ended++;
    fold->resumes += task->resumes;
    fold->migrations += task->migrations;
    ms_fold_measure(fold, MEMSCOPE_MEASURE_TOTAL, total_bytes, total_bucket);
    ms_fold_measure(fold, MEMSCOPE_MEASURE_PEAK, peak, peak_bucket);
    ms_fold_measure(fold, MEMSCOPE_MEASURE_OUTLIVED, outlived_bytes,
                    memscope_task_bucket(outlived_bytes));
    ms_release(&fold->sequence, fold->sequence + 1);
}
// What it allocated after that.
void ms_fold_late(uint32_t class_ref, uint64_t bytes);

// Blocks of one party freed by another (memscope_transfer_record).
void ms_transfer(uint32_t from_ref, uint32_t to_ref, uint64_t bytes, bool after_end);

#endif
