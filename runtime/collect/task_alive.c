// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "task_alive.h"

// The first time among threads: what the thread has alive by itself.
static int64_t take_unpublished(struct ms_tasks *tasks) {
    int64_t most = tasks->alive_is_shared ? MS_ALIVE_CREDIT : (int64_t)tasks->alive_highest;
    int64_t unpublished = most - tasks->alive_room;
    tasks->alive_is_shared = true;
    tasks->alive_room = MS_ALIVE_CREDIT;
    return unpublished;
}

void ms_alive_publish(struct ms_tasks *tasks) {
    uint64_t *highest = &ms_shared.header->async_task_highest;
    if (ms_single_threaded()) {
        tasks->alive_room = 0;
        ms_store(highest, ++tasks->alive_highest);
        return;
    }
    int64_t unpublished = take_unpublished(tasks);
    int64_t alive = ms_add(&ms_shared.tasks_alive, unpublished) + unpublished;
    uint64_t seen = ms_load(highest);
    while (alive > (int64_t)seen && !ms_swap_if(highest, &seen, (uint64_t)alive))
        ;
}
