// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the counters of cells mean, and how they add up (see profile_format.h).

#include "internal.h"

void ms_count_cell(const struct memscope_cell_record *cell, uint64_t peak_epoch,
                   struct ms_counts *counts_out) {
    uint64_t frees = ms_add(cell->frees, cell->remote_frees);
    uint64_t freed_bytes = ms_add(cell->freed_bytes, cell->remote_freed_bytes);
    uint64_t own =
        cell->epoch == peak_epoch ? cell->at_peak_bytes : ms_sub(cell->bytes, cell->freed_bytes);
    uint64_t remote =
        cell->remote_epoch == peak_epoch ? cell->remote_at_peak_bytes : cell->remote_freed_bytes;
    uint64_t allocations = memscope_cell_allocations(cell);
    *counts_out = (struct ms_counts){
        .allocations = allocations,
        .bytes = cell->bytes,
        .frees = frees,
        .freed_bytes = freed_bytes,
        .live_allocations = ms_sub(allocations, frees),
        .live_bytes = ms_sub(cell->bytes, freed_bytes),
        .at_peak_bytes = ms_sub(own, remote),
        .temporary = cell->temporary,
    };
    // A reader in mid-flight may see a peak older than what lives; of a damaged profile, none.
    uint64_t peak = cell->record.flags & MEMSCOPE_CELL_UNSAMPLED ? 0 : memscope_cell_peak(cell);
    counts_out->peak_bytes = ms_max((int64_t)peak > 0 ? peak : 0,
                                    ms_max(counts_out->live_bytes, counts_out->at_peak_bytes));
}

void ms_counts_add(struct ms_counts *into, const struct ms_counts *cell,
                   struct ms_peak_bounds *bounds) {
    into->allocations = ms_add(into->allocations, cell->allocations);
    into->bytes = ms_add(into->bytes, cell->bytes);
    into->frees = ms_add(into->frees, cell->frees);
    into->freed_bytes = ms_add(into->freed_bytes, cell->freed_bytes);
    into->live_allocations = ms_add(into->live_allocations, cell->live_allocations);
    into->live_bytes = ms_add(into->live_bytes, cell->live_bytes);
    into->at_peak_bytes = ms_add(into->at_peak_bytes, cell->at_peak_bytes);
    into->temporary = ms_add(into->temporary, cell->temporary);
    into->is_estimated |= cell->is_estimated;
    into->variance.allocations += cell->variance.allocations;
    into->variance.bytes += cell->variance.bytes;
    into->variance.live_bytes += cell->variance.live_bytes;
    into->variance.at_peak_bytes += cell->variance.at_peak_bytes;
    bounds->cells++;
    bounds->largest = ms_max(bounds->largest, cell->peak_bytes);
    bounds->sum = ms_add(bounds->sum, cell->peak_bytes);
}

// Cells reach their peaks at different times: together at least the largest of what is known of one
// moment, at most the sum. One cell alone is exact, both bounds meet.
void ms_counts_bound_peak(struct ms_counts *counts, const struct ms_peak_bounds *bounds) {
    uint64_t low = ms_max(counts->live_bytes, counts->at_peak_bytes);
    if (counts->is_estimated) { // of blocks that were not sampled nobody knows when they lived
        counts->peak_bytes = low;
        counts->peak_error_bytes = 0;
        return;
    }
    counts->peak_bytes = ms_max(low, bounds->largest);
    counts->peak_error_bytes = ms_sub(bounds->sum, counts->peak_bytes);
}
