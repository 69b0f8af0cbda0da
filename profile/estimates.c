// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a sampled cell stands for (docs/sampling.md). Weighted amounts become whole numbers here and
// nowhere else, cell by cell, so that sites, contexts and types, which add up the same cells, have
// the same sums. What rounding takes from a cell the next one of the same site is given: however
// many cells a site has, it is off by less than one.

#include "internal.h"

#include "sampling.h"

#include <math.h>

#define TWO_TO_64 18446744073709551616.0

// `amount` * `weight`, whole; *carry in [-1/2, 1/2] is what those before were given too little.
static uint64_t whole(uint64_t amount, double weight, double *carry) {
    if (amount == 0)
        return 0;
    double exact = (double)amount * weight + *carry, rounded = floor(exact + 0.5);
    if (rounded >= TWO_TO_64)
        return UINT64_MAX;
    *carry = exact - rounded;
    return rounded > 0 ? (uint64_t)rounded : 0;
}

// Of blocks of one size, each sampled with `probability` (`others` = 1 - probability).
static struct ms_variance variance_of(const struct ms_counts *counts, double probability,
                                      double others) {
    double each = others / (probability * probability);
    double mean = counts->allocations ? (double)counts->bytes / (double)counts->allocations : 0;
    double live_mean = counts->live_allocations
                           ? (double)counts->live_bytes / (double)counts->live_allocations
                           : 0;
    return (struct ms_variance){
        .allocations = (double)counts->allocations * each,
        .bytes = (double)counts->bytes * mean * each,
        .live_bytes = (double)counts->live_bytes * live_mean * each,
        .at_peak_bytes = (double)counts->at_peak_bytes * mean * each, // how many is not known
    };
}

void ms_estimate_cell(const struct memscope_cell_sample *sample, const struct ms_counts *counts,
                      struct ms_estimate_carry *carry, struct ms_counts *estimate_out) {
    double probability = ms_sample_probability(sample->sample_bytes, sample->interval_bytes);
    double others = exp(-(double)sample->sample_bytes / (double)sample->interval_bytes);
    double weight = 1 / probability;
    *estimate_out = (struct ms_counts){
        .frees = whole(counts->frees, weight, &carry->frees),
        .freed_bytes = whole(counts->freed_bytes, weight, &carry->freed_bytes),
        .live_allocations = whole(counts->live_allocations, weight, &carry->live_allocations),
        .live_bytes = whole(counts->live_bytes, weight, &carry->live_bytes),
        .at_peak_bytes = whole(counts->at_peak_bytes, weight, &carry->at_peak_bytes),
        .temporary = whole(counts->temporary, weight, &carry->temporary),
        .is_estimated = counts->allocations > 0 || counts->bytes > 0,
        .variance = variance_of(counts, probability, others),
    };
    // So that what was allocated lives or was freed, as in cells that are exact.
    estimate_out->allocations = ms_add(estimate_out->live_allocations, estimate_out->frees);
    estimate_out->bytes = ms_add(estimate_out->live_bytes, estimate_out->freed_bytes);
    estimate_out->peak_bytes = ms_max(estimate_out->live_bytes, estimate_out->at_peak_bytes);
}

static const struct ms_counts *estimate_of(const struct ms_summary *summary, uint32_t unit) {
    size_t low = 0, high = summary->estimate_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (summary->estimates[middle].unit <= unit)
            low = middle;
        else
            high = middle;
    }
    return &summary->estimates[low].counts;
}

bool ms_cell_share(const struct ms_summary *summary, uint32_t unit, struct ms_counts *share_out) {
    const struct ms_profile *profile = summary->profile;
    const struct memscope_cell_record *cell = (const void *)ms_at(profile, unit);
    if (cell->record.flags & MEMSCOPE_CELL_UNSAMPLED)
        return false;
    if (ms_cell_is_sampled(cell))
        *share_out = *estimate_of(summary, unit);
    else
        ms_count_cell(cell, profile->header.peak_epoch, share_out);
    return true;
}
