// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "objects.h"

#include <stdlib.h>

#include <profile/blocks.h>

#define NO_ROW SIZE_MAX

struct work {
    const struct ms_summary *summary;
    enum ms_by by;
    const struct ms_row *rows;
    size_t count;
    size_t *row_of; // by site: its row + 1, once it was looked for
    struct ms_objects *objects;
};

static size_t row_of(struct work *work, const struct ms_site *site) {
    size_t *known = &work->row_of[site - work->summary->sites];
    for (size_t i = 0; *known == 0 && i < work->count; i++)
        if (ms_sites_are_alike_by(site, work->rows[i].site, work->by))
            *known = i + 1;
    return *known ? *known - 1 : NO_ROW;
}

static void add(struct work *work, const struct ms_block *block) {
    size_t row = block->site ? row_of(work, block->site) : NO_ROW;
    uint64_t size = row != NO_ROW ? work->rows[row].site->type_bytes : 0;
    if (size == 0)
        return;
    struct ms_objects *objects = &work->objects[row];
    uint64_t whole = block->bytes / size;
    if (objects->blocks == 0 || whole < objects->least)
        objects->least = whole;
    if (whole > objects->most)
        objects->most = whole;
    objects->blocks++;
    objects->objects += whole;
    objects->beyond_bytes += block->bytes % size;
}

memscope_status ms_objects_of_rows(const struct ms_summary *summary, enum ms_by by,
                                   const struct ms_row *rows, size_t count,
                                   struct ms_objects *objects_out) {
    struct work work = {summary, by, rows, count, NULL, objects_out};
    struct ms_blocks *blocks;
    for (size_t i = 0; i < count; i++)
        objects_out[i] = (struct ms_objects){0};
    memscope_status status = ms_blocks_read(summary, &blocks);
    if (status != MEMSCOPE_OK)
        return status;
    work.row_of = calloc(summary->site_count + 1, sizeof *work.row_of);
    if (!work.row_of)
        status = MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; work.row_of && i < blocks->alive_count; i++)
        add(&work, &blocks->alive[i]);
    for (size_t i = 0; work.row_of && i < blocks->sample_count; i++)
        add(&work, &blocks->sample[i]);
    free(work.row_of);
    ms_blocks_destroy(blocks);
    return status;
}
