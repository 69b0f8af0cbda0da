// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From an address to its task word, and from a frame to its task.

#include "granule_words.h"
#include "task.h"

char **ms_task_leaves;

static const size_t leaf_count = 1ull << (MS_ADDRESS_BITS - 26);

char **ms_task_leaves_once(void) {
    return ms_table_once(&ms_task_leaves, leaf_count * sizeof *ms_task_leaves);
}

uint32_t *ms_task_word_slow(uintptr_t address) {
    const size_t leaf_bytes = 4ull << (26 - 5);
    uintptr_t index = address >> 26;
    char **leaves = ms_task_leaves_once();
    if (index >= leaf_count || !leaves)
        return NULL;
    char *leaf = ms_acquire(&leaves[index]);
    if (!leaf) {
        char *mapping = ms_sys_map_anonymous(leaf_bytes);
        if (!mapping)
            return NULL;
        char *biased = mapping - (index << (26 - 5) << 2);
        if (ms_swap_if(&leaves[index], &leaf, biased))
            leaf = biased;
        else
            ms_sys_unmap(mapping, leaf_bytes);
    }
    return (uint32_t *)(leaf + (address >> 5 << 2)); // NOLINT(clang-analyzer-*)
}

static inline struct memscope_task_record *with_frame(uint32_t ref, uintptr_t frame) {
    struct memscope_task_record *task = ref != 0 ? ms_task_of(ref) : NULL;
    return task && ms_load(&task->record.type) == MEMSCOPE_RECORD_TASK &&
                   ms_load(&task->frame_address) == frame
               ? task
               : NULL;
}

// One that has ended may have left the frame to a block of its own.
static inline struct memscope_task_record *recent_at(struct ms_tasks *tasks, uintptr_t frame) {
    const struct ms_recent_frame *recent = ms_recent_frame(tasks, frame);
    struct memscope_task_record *task =
        recent->frame == frame ? with_frame((uint32_t)recent->ref, frame) : NULL;
    return task && ms_load(&task->state) <= MEMSCOPE_TASK_SUSPENDED ? task : NULL;
}

static inline struct memscope_task_record *noted_at(uintptr_t frame) {
    const uint32_t *word = ms_task_word_at(frame);
    uint32_t ref = word ? ms_load(word) : 0;
    return ref != 0 ? with_frame(ref, frame) : NULL;
}

struct memscope_task_record *ms_task_at(uintptr_t address) {
    const uintptr_t promise_offset = 16; // behind the resume and destroy pointers
    if (address < 4096 || address >> MS_ADDRESS_BITS != 0 || address % sizeof(void *) != 0)
        return NULL;
    struct memscope_task_record *task = NULL;
    if (ms_has_tasks(&ms_tls)) {
        struct ms_tasks *tasks = ms_tasks_in(ms_tls.top);
        if ((task = recent_at(tasks, address)) ||
            (task = recent_at(tasks, address - promise_offset)))
            return task;
    }
    if (!(task = noted_at(address)))
        task = noted_at(address - promise_offset);
    return task;
}
