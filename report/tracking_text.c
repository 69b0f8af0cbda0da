// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How allocations were counted over time, and what that cost, in text.

#include "sampling.h"

#include <inttypes.h>
#include <math.h>
#include <profile/sampling.h>
#include <stdlib.h>

#define CHANGES_SHOWN 8

// "3.1%"; what no program can have is still short
static const char *format_share(double percent, char text_out[MS_NUMBER_BYTES]) {
    snprintf(text_out, MS_NUMBER_BYTES, fabs(percent) < 1e6 ? "%.1f%%" : "%.3g%%", percent);
    return text_out;
}

// "7.3%", "7.3% ± 0.8%"
static void put_share(FILE *out, double percent, double error) {
    char text[MS_NUMBER_BYTES];
    fputs(format_share(percent, text), out);
    if (isfinite(error))
        fprintf(out, " ± %s", format_share(error, text));
}

static void put_overhead(FILE *out, const struct ms_overhead *overhead) {
    put_share(out, overhead->percent, overhead->error);
    fputs(" of the program's own CPU time", out);
}

// --- levels ------------------------------------------------------------------------------------

static void put_way(FILE *out, const struct ms_level *level) {
    switch (level->level) {
    case MEMSCOPE_LEVEL_CONTEXTS:
        fputs("with whole stacks", out);
        break;
    case MEMSCOPE_LEVEL_SITES:
        fputs("by site alone", out);
        break;
    case MEMSCOPE_LEVEL_SAMPLED:
        fprintf(out, "sampled (a block of 1 KiB with a chance of %.3g%%)",
                100 * level->sample_rate);
        break;
    default:
        fputs("in total alone", out);
    }
}

// "the budget of 5% was passed (7.3% ± 0.8%)"
static void put_reason(FILE *out, const struct ms_level *level) {
    char text[MS_NUMBER_BYTES] = "";
    if (level->reason == MEMSCOPE_LEVEL_CONFIGURED) {
        fputs("asked for", out);
        return;
    }
    if (isfinite(level->budget_percent))
        snprintf(text, sizeof text, " of %.3g%%", level->budget_percent);
    if (level->reason == MEMSCOPE_LEVEL_OVER_BUDGET)
        fprintf(out, "the budget%s was passed", text);
    else if (level->reason == MEMSCOPE_LEVEL_UNDER_BUDGET)
        fprintf(out, "the budget%s has room", text);
    else
        fprintf(out, "for reason %" PRIu32 " of a newer runtime", level->reason);
    if (isfinite(level->overhead_percent)) {
        fputs(" (", out);
        put_share(out, level->overhead_percent, level->overhead_error);
        fputc(')', out);
    }
}

static void put_change(FILE *out, const struct ms_level *level) {
    char text[MS_NUMBER_BYTES];
    fprintf(out, "from %s on ", ms_format_duration(level->since_ns, text));
    put_way(out, level);
    fputs(": ", out);
    put_reason(out, level);
    fputc('\n', out);
}

// --- what was given up -------------------------------------------------------------------------

struct loss {
    const char *what;
    uint64_t ns;
    bool goes_on; // to an end that nobody knows
};

static void put_losses(FILE *out, const struct loss *losses, size_t count) {
    char text[MS_NUMBER_BYTES];
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (losses[i].ns == 0 && !losses[i].goes_on)
            continue;
        fprintf(out, "%s%s for %s%s", any ? ", " : "given up: ", losses[i].what,
                ms_format_duration(losses[i].ns, text),
                losses[i].goes_on ? " and from then on" : "");
        any = true;
    }
    if (any)
        fputc('\n', out);
}

// Against the level that the program began with.
static void put_given_up(FILE *out, const struct ms_level *levels, size_t count) {
    struct loss losses[] = {
        {.what = "stacks"}, {.what = "exact figures by site"}, {.what = "all figures by site"}};
    for (size_t i = 1; i < count; i++) {
        const uint32_t level = levels[i].level, before = levels[0].level;
        const bool lost[] = {
            before == MEMSCOPE_LEVEL_CONTEXTS &&
                (level == MEMSCOPE_LEVEL_SITES || level == MEMSCOPE_LEVEL_TOTALS),
            !ms_level_is_estimated(before) && ms_level_is_estimated(level),
            before != MEMSCOPE_LEVEL_TOTALS && level == MEMSCOPE_LEVEL_TOTALS,
        };
        for (size_t k = 0; k < sizeof lost / sizeof *lost; k++) {
            if (!lost[k])
                continue;
            if (levels[i].until_ns > levels[i].since_ns)
                losses[k].ns += levels[i].until_ns - levels[i].since_ns;
            losses[k].goes_on |= levels[i].until_ns == 0;
        }
    }
    put_losses(out, losses, sizeof losses / sizeof *losses);
}

memscope_status ms_put_tracking(FILE *out, const struct ms_summary *summary) {
    struct ms_overhead overhead;
    size_t count;
    struct ms_level *levels = ms_levels_read(summary, &count);
    if (!levels)
        return MEMSCOPE_OUT_OF_MEMORY;
    if (ms_overhead_read(summary->profile, &overhead)) {
        fputs("tracking cost about ", out);
        put_overhead(out, &overhead);
        fputc('\n', out);
    }
    for (size_t i = 1; i < count && i <= CHANGES_SHOWN; i++)
        put_change(out, &levels[i]);
    if (count - 1 > CHANGES_SHOWN)
        fprintf(out, "… %zu more changes (memscope info and --json have all)\n",
                count - 1 - CHANGES_SHOWN);
    put_given_up(out, levels, count);
    free(levels);
    return MEMSCOPE_OK;
}

// --- memscope info -----------------------------------------------------------------------------

static memscope_status put_samples(FILE *out, const struct ms_summary *summary) {
    size_t count = 0;
    char blocks[MS_NUMBER_BYTES], bytes[MS_NUMBER_BYTES], interval[MS_NUMBER_BYTES];
    struct ms_sample_interval *intervals = ms_sample_intervals(summary, &count);
    if (!intervals)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++)
        fprintf(out,
                "%-16s%s blocks, %s; one in %s in the mean (a block of 1 KiB with a chance of "
                "%.3g%%)\n",
                "samples", ms_format_count(intervals[i].blocks, blocks),
                ms_format_bytes(intervals[i].bytes, bytes),
                ms_format_bytes(intervals[i].interval_bytes, interval),
                100 * ms_sample_probability(MEMSCOPE_SAMPLE_UNIT, intervals[i].interval_bytes));
    if (summary->unsampled_blocks > 0)
        fprintf(out, "%-16s%s blocks, %s, in totals alone\n", "not sampled",
                ms_format_count(summary->unsampled_blocks, blocks),
                ms_format_bytes(summary->unsampled_bytes, bytes));
    free(intervals);
    return MEMSCOPE_OK;
}

memscope_status ms_put_tracking_facts(FILE *out, const struct ms_summary *summary) {
    struct ms_overhead overhead;
    size_t count;
    struct ms_level *levels = ms_levels_read(summary, &count);
    if (!levels)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < count && (count > 1 || levels[0].record); i++) {
        fprintf(out, "%-16s", "tracking");
        if (levels[i].record) {
            put_change(out, &levels[i]);
        } else {
            put_way(out, &levels[i]);
            fputs(" at first\n", out);
        }
    }
    if (ms_overhead_read(summary->profile, &overhead)) {
        char text[MS_NUMBER_BYTES];
        fprintf(out, "%-16s", "overhead");
        put_overhead(out, &overhead);
        fprintf(out, ", measured when that was %s with it\n",
                ms_format_duration(overhead.cpu_ns, text));
    }
    free(levels);
    return put_samples(out, summary);
}
