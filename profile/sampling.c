// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The samples of a profile by their distance, the levels of tracking, and what it cost.

#include "sampling.h"

#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NORMAL_95 1.96 // standard deviations

double ms_sample_probability(uint64_t sample_bytes, uint64_t interval_bytes) {
    return interval_bytes ? -expm1(-(double)sample_bytes / (double)interval_bytes) : 1;
}

double ms_error_95(double variance) {
    return variance > 0 ? NORMAL_95 * sqrt(variance) : 0;
}

// --- intervals ---------------------------------------------------------------------------------

static int compare_intervals(const void *left, const void *right) {
    const struct ms_sample_interval *a = left, *b = right;
    return (a->interval_bytes > b->interval_bytes) - (a->interval_bytes < b->interval_bytes);
}

struct ms_sample_interval *ms_sample_intervals(const struct ms_summary *summary,
                                               size_t *count_out) {
    const struct ms_profile *profile = summary->profile;
    size_t most = 0, count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        most += profile->types[unit] == MEMSCOPE_RECORD_CELL;
    struct ms_sample_interval *items = calloc(most + 1, sizeof *items);
    if (!items)
        return NULL;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        const struct memscope_cell_record *cell = (const void *)ms_at(profile, unit);
        if (profile->types[unit] == MEMSCOPE_RECORD_CELL && ms_cell_is_sampled(cell) &&
            memscope_cell_allocations(cell) > 0)
            items[count++] =
                (struct ms_sample_interval){ms_cell_sample_of(cell)->interval_bytes,
                                            memscope_cell_allocations(cell), cell->bytes};
    }
    qsort(items, count, sizeof *items, compare_intervals);
    *count_out = 0;
    for (size_t i = 0; i < count;) {
        struct ms_sample_interval merged = items[i++];
        for (; i < count && items[i].interval_bytes == merged.interval_bytes; i++) {
            merged.blocks = ms_add(merged.blocks, items[i].blocks);
            merged.bytes = ms_add(merged.bytes, items[i].bytes);
        }
        items[(*count_out)++] = merged;
    }
    return items;
}

// --- levels ------------------------------------------------------------------------------------

bool ms_level_is_estimated(uint32_t level) {
    return level >= MEMSCOPE_LEVEL_SAMPLED;
}

const char *ms_level_name(uint32_t level) {
    static const char *const names[] = {"contexts", "sites", "sampled", "totals"};
    return level < sizeof names / sizeof *names ? names[level] : "unknown";
}

const char *ms_level_reason_name(uint32_t reason) {
    static const char *const names[] = {"configured", "over_budget", "under_budget"};
    return reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}

static double rate_of(uint32_t level, uint64_t interval_bytes) {
    if (level == MEMSCOPE_LEVEL_SAMPLED)
        return ms_sample_probability(MEMSCOPE_SAMPLE_UNIT, interval_bytes);
    return level == MEMSCOPE_LEVEL_TOTALS ? 0 : 1;
}

static struct ms_level read_level(const struct ms_profile *profile, uint32_t unit) {
    const struct memscope_level_record *record = (const void *)ms_at(profile, unit);
    return (struct ms_level){
        .record = profile->header.ref_base + unit,
        .since_ns = ms_sub(record->since_ns, profile->header.start_monotonic_ns),
        .level = record->level,
        .reason = record->reason,
        .interval_bytes = record->interval_bytes,
        .sample_rate = rate_of(record->level, record->interval_bytes),
        .overhead_percent = record->overhead_percent,
        .overhead_error = record->overhead_error,
        .budget_percent = record->budget_percent,
    };
}

// Of the same moment the later record is the later change.
static int compare_levels(const void *left, const void *right) {
    const struct ms_level *a = left, *b = right;
    if (a->since_ns != b->since_ns)
        return a->since_ns < b->since_ns ? -1 : 1;
    return (a->record > b->record) - (a->record < b->record);
}

// A level that the options ask for is on record before any thread is.
static bool holds_from_the_start(const struct ms_profile *profile) {
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        if (profile->types[unit] == MEMSCOPE_RECORD_LEVEL)
            return ((const struct memscope_level_record *)ms_at(profile, unit))->reason ==
                   MEMSCOPE_LEVEL_CONFIGURED;
        if (profile->types[unit] == MEMSCOPE_RECORD_THREAD)
            return false;
    }
    return false;
}

struct ms_level *ms_levels_read(const struct ms_summary *summary, size_t *count_out) {
    const struct ms_profile *profile = summary->profile;
    size_t most = 1, count = 1;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        most += profile->types[unit] == MEMSCOPE_RECORD_LEVEL;
    struct ms_level *levels = calloc(most, sizeof *levels);
    if (!levels)
        return NULL;
    levels[0] = (struct ms_level){
        .sample_rate = 1, .overhead_percent = NAN, .overhead_error = NAN, .budget_percent = NAN};
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        if (profile->types[unit] == MEMSCOPE_RECORD_LEVEL)
            levels[count++] = read_level(profile, unit);
    qsort(levels + 1, count - 1, sizeof *levels, compare_levels);
    if (count > 1 && holds_from_the_start(profile)) {
        memmove(levels, levels + 1, --count * sizeof *levels);
        levels[0].since_ns = 0;
    }
    for (size_t i = 0; i + 1 < count; i++)
        levels[i].until_ns = levels[i + 1].since_ns;
    levels[count - 1].until_ns = ms_profile_duration_ns(profile, ms_profile_process_state(profile));
    *count_out = count;
    return levels;
}

// --- overhead ----------------------------------------------------------------------------------

bool ms_overhead_read(const struct ms_profile *profile, struct ms_overhead *overhead_out) {
    const struct memscope_profile_header *header = &profile->header;
    double cost = (double)header->overhead_ns, error = (double)header->overhead_error_ns;
    double own = (double)header->overhead_cpu_ns - cost;
    *overhead_out = (struct ms_overhead){.cpu_ns = header->overhead_cpu_ns};
    if (header->overhead_cpu_ns <= header->overhead_ns)
        return false;
    overhead_out->percent = 100 * cost / own;
    // To the first order: both sides of the fraction change with the cost.
    overhead_out->error = 100 * error * (double)header->overhead_cpu_ns / (own * own);
    return true;
}
