// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "sums.h"

#include "base/shared.h"

#include <check.h>

const struct memscope_record *record_at(uint64_t unit) {
    return ms_ref(ms_shared.ref_base + (uint32_t)unit);
}

static void add_cell(const struct memscope_cell_record *cell, struct sums *sums) {
    uint64_t epoch = ms_shared.header->peak_epoch;
    sums->allocations += memscope_cell_allocations(cell);
    sums->bytes += cell->bytes;
    sums->frees += cell->frees + cell->remote_frees;
    sums->freed_bytes += cell->freed_bytes + cell->remote_freed_bytes;
    sums->temporary += cell->temporary;
    sums->peak_bytes += memscope_cell_peak(cell);
    sums->at_peak_bytes +=
        (cell->epoch == epoch ? cell->at_peak_bytes : cell->bytes - cell->freed_bytes) -
        (cell->remote_epoch == epoch ? cell->remote_at_peak_bytes : cell->remote_freed_bytes);
}

struct sums sum(const struct memscope_site *site) {
    struct sums sums = {0};
    uint64_t end = ms_shared.header->arena_end_units;
    for (uint64_t unit = MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES; unit < end;) {
        const struct memscope_record *record = record_at(unit);
        ck_assert_uint_eq(record->magic, MEMSCOPE_RECORD_MAGIC);
        const struct memscope_cell_record *cell = (const void *)record;
        if (record->type == MEMSCOPE_RECORD_CELL && (!site || cell->site_ref == site->id))
            add_cell(cell, &sums);
        unit += record->units;
    }
    return sums;
}
