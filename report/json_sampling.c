// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON: estimates and their errors, samples, levels of tracking, overhead.

#include "json_parts.h"

#include <math.h>
#include <profile/sampling.h>

static json_t *real_or_null(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *error_part(double variance) {
    return real_or_null(ceil(ms_error_95(variance) * 100) / 100);
}

// Rates come from whole intervals: more digits than this would be the interval's rounding.
static json_t *rate_part(double rate) {
    char text[32];
    snprintf(text, sizeof text, "%.4g", rate);
    return json_real(strtod(text, NULL));
}

json_t *ms_json_error(struct writer *writer, const struct ms_counts *counts) {
    if (!counts->is_estimated)
        return json_null();
    json_t *error = json_object();
    set(writer, error, "allocations", error_part(counts->variance.allocations));
    set(writer, error, "bytes", error_part(counts->variance.bytes));
    set(writer, error, "live_bytes", error_part(counts->variance.live_bytes));
    set(writer, error, "at_peak_bytes", error_part(counts->variance.at_peak_bytes));
    return error;
}

void ms_json_estimate(struct writer *writer, json_t *object, const struct ms_counts *counts) {
    set(writer, object, "estimated", json_boolean(counts->is_estimated));
    set(writer, object, "error", ms_json_error(writer, counts));
}

static json_t *intervals_part(struct writer *writer, const struct ms_summary *summary) {
    size_t count = 0;
    struct ms_sample_interval *intervals = ms_sample_intervals(summary, &count);
    json_t *list = json_array();
    writer->failed = writer->failed || !intervals;
    for (size_t i = 0; intervals && i < count; i++) {
        uint64_t bytes = intervals[i].interval_bytes;
        json_t *item = json_object();
        set(writer, item, "interval_bytes", number(bytes));
        set(writer, item, "sample_rate",
            rate_part(ms_sample_probability(MEMSCOPE_SAMPLE_UNIT, bytes)));
        set(writer, item, "blocks", number(intervals[i].blocks));
        set(writer, item, "bytes", number(intervals[i].bytes));
        add(writer, list, item);
    }
    free(intervals);
    return list;
}

json_t *ms_json_sampling(struct writer *writer, const struct ms_summary *summary) {
    json_t *part = json_object();
    set(writer, part, "estimated", json_boolean(ms_sites_are_estimated(summary)));
    set(writer, part, "sampled_blocks", number(summary->sampled_blocks));
    set(writer, part, "sampled_bytes", number(summary->sampled_bytes));
    set(writer, part, "unsampled_blocks", number(summary->unsampled_blocks));
    set(writer, part, "unsampled_bytes", number(summary->unsampled_bytes));
    set(writer, part, "intervals", intervals_part(writer, summary));
    return part;
}

static json_t *level_part(struct writer *writer, const struct ms_level *level) {
    json_t *part = json_object();
    set(writer, part, "since_ms", milliseconds(level->since_ns));
    set(writer, part, "level", json_string(ms_level_name(level->level)));
    set(writer, part, "estimated", json_boolean(ms_level_is_estimated(level->level)));
    set(writer, part, "sample_rate", rate_part(level->sample_rate));
    set(writer, part, "interval_bytes", number_or_null(level->interval_bytes));
    set(writer, part, "reason", json_string(ms_level_reason_name(level->reason)));
    set(writer, part, "overhead_percent", real_or_null(level->overhead_percent));
    set(writer, part, "overhead_error", real_or_null(level->overhead_error));
    set(writer, part, "budget_percent", real_or_null(level->budget_percent));
    return part;
}

void ms_json_tracking(struct writer *writer, const struct ms_summary *summary) {
    size_t count = 0;
    struct ms_level *levels = ms_levels_read(summary, &count);
    writer->failed = writer->failed || !levels;
    begin_array(writer, "tracking");
    for (size_t i = 0; levels && i < count; i++)
        put_item(writer, level_part(writer, &levels[i]));
    end_array(writer);
    free(levels);
}

json_t *ms_json_overhead(struct writer *writer, const struct ms_summary *summary) {
    struct ms_overhead overhead;
    if (!ms_overhead_read(summary->profile, &overhead))
        return json_null();
    json_t *part = json_object();
    set(writer, part, "percent", json_real(overhead.percent));
    set(writer, part, "error", json_real(overhead.error));
    set(writer, part, "cpu_ms", milliseconds(overhead.cpu_ns));
    return part;
}
