// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "blocks.h"

#include <stdlib.h>

#include "internal.h"

static const struct memscope_block_record *block_at(const struct ms_profile *profile,
                                                    uint32_t unit) {
    return profile->types[unit] == MEMSCOPE_RECORD_BLOCK ? (const void *)ms_at(profile, unit)
                                                         : NULL;
}

static size_t place_of(const struct ms_summary *summary, uint32_t ref, uint8_t type) {
    return summary->place[ms_unit_of(summary->profile, ref, type)];
}

static struct ms_block describe(const struct ms_summary *summary,
                                const struct memscope_block_record *record) {
    struct ms_block block = {
        .address = record->address,
        .bytes = record->bytes,
        .task_id = record->task_id,
        .allocated_ns = record->allocated_ns,
    };
    uint32_t unit = ms_unit_of(summary->profile, record->cell_ref, MEMSCOPE_RECORD_CELL);
    if (unit == 0)
        return block;
    const struct memscope_cell_record *cell = (const void *)ms_at(summary->profile, unit);
    size_t site = place_of(summary, cell->site_ref, MEMSCOPE_RECORD_SITE);
    size_t thread = place_of(summary, cell->thread_ref, MEMSCOPE_RECORD_THREAD);
    size_t task_class = cell->record.flags & MEMSCOPE_CELL_TASK
                            ? place_of(summary, cell->class_ref, MEMSCOPE_RECORD_TASK_CLASS)
                            : 0;
    block.site = site ? &summary->sites[site - 1] : NULL;
    block.thread = thread ? &summary->threads[thread - 1] : NULL;
    block.task_class = task_class ? &summary->tasks->classes[task_class - 1] : NULL;
    return block;
}

static int compare_alive(const void *left, const void *right) {
    const struct ms_block *a = left, *b = right;
    if (a->allocated_ns != b->allocated_ns)
        return a->allocated_ns < b->allocated_ns ? -1 : 1;
    return (a->address > b->address) - (a->address < b->address);
}

static int compare_places(const void *left, const void *right) {
    const struct ms_block *a = left, *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return (a->number < b->number) - (a->number > b->number);
}

static int compare_numbers(const void *left, const void *right) {
    const struct ms_block *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static void take_freed(struct ms_blocks *blocks, const struct ms_summary *summary,
                       const struct memscope_block_record *record) {
    const uint64_t places = (1u << MEMSCOPE_BLOCK_PLACE_BITS) - 1;
    size_t thread = place_of(summary, record->freed_by_ref, MEMSCOPE_RECORD_THREAD);
    struct ms_block block = describe(summary, record);
    block.place = (uint32_t)(record->order & places);
    block.number = record->order >> MEMSCOPE_BLOCK_PLACE_BITS;
    block.freed_ns = record->freed_ns;
    block.freed_by = thread ? &summary->threads[thread - 1] : NULL;
    if (block.place < blocks->limit && block.freed_ns != 0)
        blocks->sample[blocks->sample_count++] = block;
}

// Of two blocks at one place the later one is there: the writer was stopped before it took the
// other one away.
static void keep_one_a_place(struct ms_blocks *blocks) {
    struct ms_block *sample = blocks->sample;
    size_t count = blocks->sample_count;
    qsort(sample, count, sizeof *sample, compare_places);
    blocks->sample_count = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || sample[i].place != sample[blocks->sample_count - 1].place)
            sample[blocks->sample_count++] = sample[i];
    qsort(sample, blocks->sample_count, sizeof *sample, compare_numbers);
}

static bool make_room(struct ms_blocks *blocks, const struct ms_profile *profile) {
    const struct memscope_block_record *record;
    size_t alive = 0, freed = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        if (!(record = block_at(profile, unit)))
            continue;
        alive += record->record.flags == MEMSCOPE_BLOCK_ALIVE;
        freed += record->record.flags == MEMSCOPE_BLOCK_FREED;
        if (record->record.flags != MEMSCOPE_BLOCK_TOTALS)
            continue;
        const struct memscope_block_totals_record *totals = (const void *)record;
        blocks->limit = totals->limit;
        blocks->seed = totals->seed;
        blocks->freed = totals->freed;
        blocks->missed = totals->missed;
    }
    blocks->alive = calloc(alive + 1, sizeof *blocks->alive);
    blocks->sample = calloc(freed + 1, sizeof *blocks->sample);
    return blocks->alive && blocks->sample;
}

memscope_status ms_blocks_read(const struct ms_summary *summary, struct ms_blocks **blocks_out) {
    const struct ms_profile *profile = summary->profile;
    const struct memscope_block_record *record;
    struct ms_blocks *blocks = calloc(1, sizeof *blocks);
    *blocks_out = NULL;
    if (!blocks || !make_room(blocks, profile)) {
        ms_blocks_destroy(blocks);
        return MEMSCOPE_OUT_OF_MEMORY;
    }
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        if (!(record = block_at(profile, unit)))
            continue;
        if (record->record.flags == MEMSCOPE_BLOCK_ALIVE)
            blocks->alive[blocks->alive_count++] = describe(summary, record);
        else if (record->record.flags == MEMSCOPE_BLOCK_FREED)
            take_freed(blocks, summary, record);
    }
    qsort(blocks->alive, blocks->alive_count, sizeof *blocks->alive, compare_alive);
    keep_one_a_place(blocks);
    *blocks_out = blocks;
    return MEMSCOPE_OK;
}

void ms_blocks_destroy(struct ms_blocks *blocks) {
    if (!blocks)
        return;
    free(blocks->alive);
    free(blocks->sample);
    free(blocks);
}
