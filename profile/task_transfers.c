// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who allocated, who freed: transfers, summed over the threads that saw them.

#include "internal.h"

#include <stdlib.h>

static struct ms_party party_of(const struct ms_task_work *work, uint32_t ref) {
    size_t class_place = ms_place_of(work, ref, MEMSCOPE_RECORD_TASK_CLASS);
    size_t thread_place = ms_place_of(work, ref, MEMSCOPE_RECORD_THREAD);
    return (struct ms_party){
        class_place ? &work->tasks->classes[class_place - 1] : NULL,
        thread_place ? &work->summary->threads[thread_place - 1] : NULL,
    };
}

int64_t ms_party_id(const struct ms_party *party) {
    if (party->task_class)
        return party->task_class->id;
    return party->thread ? -1 - (int64_t)party->thread->index : 0;
}

static int compare_parties(const struct ms_party *a, const struct ms_party *b) {
    if (a->task_class != b->task_class)
        return a->task_class < b->task_class ? -1 : 1;
    return (a->thread > b->thread) - (a->thread < b->thread);
}

static int compare_pairs(const void *left, const void *right) {
    const struct ms_transfer *a = left, *b = right;
    int difference = compare_parties(&a->from, &b->from);
    return difference ? difference : compare_parties(&a->to, &b->to);
}

static int compare_bytes(const void *left, const void *right) {
    const struct ms_transfer *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    if (a->blocks != b->blocks)
        return a->blocks > b->blocks ? -1 : 1;
    return compare_pairs(left, right);
}

static void merge_pairs(struct ms_tasks *tasks) {
    size_t count = tasks->transfer_count;
    qsort(tasks->transfers, count, sizeof *tasks->transfers, compare_pairs);
    tasks->transfer_count = 0;
    for (size_t i = 0; i < count;) {
        struct ms_transfer merged = tasks->transfers[i++];
        for (; i < count && compare_pairs(&merged, &tasks->transfers[i]) == 0; i++) {
            const struct ms_transfer *one = &tasks->transfers[i];
            merged.blocks = ms_add(merged.blocks, one->blocks);
            merged.bytes = ms_add(merged.bytes, one->bytes);
            merged.blocks_after_end = ms_add(merged.blocks_after_end, one->blocks_after_end);
            merged.bytes_after_end = ms_add(merged.bytes_after_end, one->bytes_after_end);
            merged.last_ns = ms_max(merged.last_ns, one->last_ns);
        }
        tasks->transfers[tasks->transfer_count++] = merged;
    }
    qsort(tasks->transfers, tasks->transfer_count, sizeof *tasks->transfers, compare_bytes);
}

bool ms_take_transfers(struct ms_task_work *work) {
    const struct ms_profile *profile = work->profile;
    size_t count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        count += profile->types[unit] == MEMSCOPE_RECORD_TRANSFER;
    struct ms_tasks *tasks = work->tasks;
    tasks->transfers = calloc(count + 1, sizeof *tasks->transfers);
    if (!tasks->transfers)
        return false;
    for (uint32_t unit = MS_FIRST_UNIT; tasks->transfer_count < count; unit++) {
        if (profile->types[unit] != MEMSCOPE_RECORD_TRANSFER)
            continue;
        const struct memscope_transfer_record *record = (const void *)ms_at(profile, unit);
        tasks->transfers[tasks->transfer_count++] = (struct ms_transfer){
            .from = party_of(work, record->from_ref),
            .to = party_of(work, record->to_ref),
            .blocks = record->blocks,
            .bytes = record->bytes,
            .blocks_after_end = record->blocks_after_end,
            .bytes_after_end = record->bytes_after_end,
            .last_ns = record->last_ns,
        };
    }
    merge_pairs(tasks);
    return true;
}
