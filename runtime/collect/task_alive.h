// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many tasks were alive at once at most (header.async_task_highest). While one thread runs it
// is exact: kept as a high-water mark of cells is, by how far it is above the number that is alive.
// Among threads each keeps up to MS_ALIVE_CREDIT beginnings or ends to itself, so that it is low by
// at most twice that for each of them, and never high. Under the guard.

#ifndef MS_TASK_ALIVE_H
#define MS_TASK_ALIVE_H

#include "task.h"

enum { MS_ALIVE_CREDIT = 32 };

// There is a new mark, or what the thread has kept to itself goes to the process's number.
MS_NOINLINE void ms_alive_publish(struct ms_tasks *tasks);

MS_HOT void ms_alive_begin(struct ms_tasks *tasks) {
    if (MS_UNLIKELY(ms_drop(&tasks->alive_room, 1)))
        ms_alive_publish(tasks);
}

MS_HOT void ms_alive_end(struct ms_tasks *tasks) {
    ms_raise_signed(&tasks->alive_room, 1);
    if (MS_UNLIKELY(ms_load(&tasks->alive_room) > 2 * MS_ALIVE_CREDIT) && !ms_single_threaded())
        ms_alive_publish(tasks);
}

#endif
