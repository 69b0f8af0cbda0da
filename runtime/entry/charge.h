// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which cell an allocation is counted in: its context's, else its site's; where samples are taken
// and it is none, that of all of these. Slow path, under the
// guard, of an attached thread.

#ifndef MS_CHARGE_H
#define MS_CHARGE_H

#include "count.h"

#include "collect/task.h"

// The site as a key's seed: its descriptor, or where it is entered only, its ref.
MS_HOT uint64_t ms_seed_of(struct ms_origin origin, const struct memscope_task_record *task) {
    const void *site = origin.site;
    if (!site && !(origin.key & MS_KEY_FOREIGN))
        site = (const void *)(uintptr_t)origin.key; // NOLINT(performance-no-int-to-ptr)
    uint64_t seed = ms_context_seed(site);
    return task ? ms_context_seed_of_task(seed, task->awaiter_ref) : seed;
}

// The calling thread's cell for an allocation of `bytes` by `task` (NULL = root).
struct memscope_cell_record *ms_cell_for(struct ms_tls *tls, struct ms_origin origin,
                                         const struct memscope_task_record *task, size_t bytes);

// For an event that finds no room, which is counted as a loss.
struct memscope_cell_record *ms_overflow_cell(void);

#endif
