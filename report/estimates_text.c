// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Estimates in text: ~ before each, ± for how far it may be off.

#include "sampling.h"

#include <math.h>
#include <profile/sampling.h>
#include <stdlib.h>
#include <string.h>

#define RATES_SHOWN 3
#define TWO_TO_64 18446744073709551616.0

const char *ms_format_amount(uint64_t value, bool is_bytes, bool is_estimated,
                             char text_out[MS_NUMBER_BYTES]) {
    char *text = text_out;
    if (is_estimated)
        *text++ = '~';
    char plain[MS_NUMBER_BYTES];
    strcpy(text, is_bytes ? ms_format_bytes(value, plain) : ms_format_count(value, plain));
    return text_out;
}

const char *ms_format_error(double error, bool is_bytes, char text_out[MS_NUMBER_BYTES]) {
    double up = ceil(error);
    uint64_t value = up < TWO_TO_64 ? (uint64_t)up : UINT64_MAX;
    char plain[MS_NUMBER_BYTES];
    strcpy(text_out, "±");
    strcat(text_out, is_bytes ? ms_format_bytes(value, plain) : ms_format_count(value, plain));
    return text_out;
}

bool ms_order_is_bytes(enum ms_order order) {
    return order != MS_ORDER_CALLS && order != MS_ORDER_TEMPORARY;
}

double ms_counts_error(const struct ms_counts *counts, enum ms_order order) {
    const struct ms_variance *variance = &counts->variance;
    switch (order) {
    case MS_ORDER_LIVE:
        return ms_error_95(variance->live_bytes);
    case MS_ORDER_PEAK:
    case MS_ORDER_AT_PEAK:
        return ms_error_95(variance->at_peak_bytes);
    case MS_ORDER_TOTAL:
        return ms_error_95(variance->bytes);
    case MS_ORDER_CALLS:
    case MS_ORDER_TEMPORARY:
        return ms_error_95(variance->allocations);
    }
    return 0;
}

void ms_put_error_heading(FILE *out, const struct ms_summary *summary, enum ms_order order) {
    static const char *const headings[] = {
        [MS_ORDER_LIVE] = "± LIVE",       [MS_ORDER_PEAK] = "± AT PEAK",
        [MS_ORDER_AT_PEAK] = "± AT PEAK", [MS_ORDER_TOTAL] = "± TOTAL",
        [MS_ORDER_CALLS] = "± CALLS",     [MS_ORDER_TEMPORARY] = "± CALLS",
    };
    if (ms_sites_are_estimated(summary))
        fprintf(out, "%12s  ", headings[order]); // 12 bytes, 11 columns
}

void ms_put_error(FILE *out, const struct ms_summary *summary, const struct ms_counts *counts,
                  enum ms_order order) {
    char text[MS_NUMBER_BYTES];
    if (!ms_sites_are_estimated(summary))
        return;
    if (counts->is_estimated)
        fprintf(out, "%12s  ",
                ms_format_error(ms_counts_error(counts, order), ms_order_is_bytes(order), text));
    else
        fprintf(out, "%11s  ", "exact");
}

// "10%", "10% or 1%", "0.1% to 50%" of blocks of 1 KiB
static void put_rates(FILE *out, const struct ms_sample_interval *intervals, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double rate = ms_sample_probability(MEMSCOPE_SAMPLE_UNIT, intervals[i].interval_bytes);
        if (count > RATES_SHOWN && i > 0 && i + 1 < count)
            continue;
        fprintf(out, "%s%.3g%%", i == 0 ? "" : count > RATES_SHOWN ? " to " : " or ", 100 * rate);
    }
}

// "sampled: 1,204 of 80,112 blocks (each of 1 KiB with a chance of 10%, larger ones with more); "
static void put_samples(FILE *out, const struct ms_summary *summary) {
    size_t count = 0;
    char sampled[MS_NUMBER_BYTES], drawn[MS_NUMBER_BYTES];
    struct ms_sample_interval *intervals = ms_sample_intervals(summary, &count);
    if (count > 0) {
        fprintf(out, "sampled: %s of %s blocks (each of 1 KiB with a chance of ",
                ms_format_count(summary->sampled_blocks, sampled),
                ms_format_count(summary->sampled_blocks + summary->unsampled_blocks, drawn));
        put_rates(out, intervals, count);
        fputs(", larger ones with more); ", out);
    } else {
        fprintf(out, "not sampled: %s blocks are in totals alone, at no site; ",
                ms_format_count(summary->unsampled_blocks, drawn));
    }
    free(intervals);
}

void ms_put_estimates(FILE *out, const struct ms_summary *summary) {
    if (!ms_sites_are_estimated(summary))
        return;
    put_samples(out, summary);
    if (summary->all_sites.is_estimated)
        fputs("sites and stacks are estimates (~; 95 of 100 are off by less than ±), ", out);
    fputs("totals are exact\n", out);
}

void ms_put_estimates_comment(FILE *out, const struct ms_summary *summary) {
    if (!ms_sites_are_estimated(summary))
        return;
    put_samples(out, summary);
    fputs("these figures are estimates", out);
}
