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

// The calling thread's fold record for a coroutine function; NULL = no room.
struct memscope_task_fold_record *ms_fold_of_coroutine(struct memscope_coroutine *coroutine,
                                                       struct ms_spawn spawn);

// The same for a fiber (`function` is where it enters) or a named scope.
struct memscope_task_fold_record *ms_fold_of_address(enum memscope_task_kind kind,
                                                     const void *function, struct ms_spawn spawn);
struct memscope_task_fold_record *ms_fold_of_name(enum memscope_task_kind kind, const char *name,
                                                  struct ms_spawn spawn);

// The calling thread's fold record for a class.
struct memscope_task_fold_record *ms_fold_of_class(uint32_t class_ref);

// An ended task's figures into its class; `total_bytes` of them is what it allocated.
void ms_fold_task(struct memscope_task_fold_record *fold, const struct memscope_task_record *task,
                  uint64_t total_bytes);
// What it allocated after that.
void ms_fold_late(uint32_t class_ref, uint64_t bytes);

// Blocks of one party freed by another (memscope_transfer_record).
void ms_transfer(uint32_t from_ref, uint32_t to_ref, uint64_t bytes, bool after_end);

#endif
