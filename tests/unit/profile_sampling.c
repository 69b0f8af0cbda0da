// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records of sampling, levels of tracking and overhead, as the reader takes them.

#include "builder.h"
#include "claims.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <profile/sampling.h>

static struct builder b;
static struct ms_profile *profile;
static struct ms_summary *summary;
static char message[MS_MESSAGE_BYTES];

static void sum_up(void) {
    memscope_status status =
        ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message);
    ck_assert_msg(status == MEMSCOPE_OK, "%s", message);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
}

static void expect_damage(const char *words) {
    ck_assert_int_eq(ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message),
                     MEMSCOPE_CORRUPT);
    ck_assert_msg(strstr(message, words) != NULL, "\"%s\" is not in: %s", words, message);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ms_summary_destroy(summary);
    ms_profile_close(profile);
}

// --- damage ------------------------------------------------------------------------------------

START_TEST(damaged_samples_are_told) {
    builder_begin(&b, 0);
    struct memscope_cell_record *cell = builder_sampled_cell(&b, 0, 0, 9719, 1024);
    struct memscope_cell_sample *sample = (void *)(cell + 1);
    builder_cell_counts(cell, 3, 10, 1);
    sample->interval_bytes = 0;
    expect_damage("a sampled cell without an interval");
    sample->interval_bytes = 9719;
    sample->sample_bytes = 0;
    expect_damage("a sampled cell of blocks that count for nothing");
    sample->sample_bytes = 1024;
    cell->record.flags |= MEMSCOPE_CELL_UNSAMPLED;
    expect_damage("a cell of blocks both sampled and not");
    cell->record.flags = MEMSCOPE_CELL_SAMPLED;
    sum_up();
    builder_begin(&b, 0);
    cell = builder_cell(&b, 0, 0);
    cell->record.flags = MEMSCOPE_CELL_SAMPLED; // no room for the rest
    expect_damage("a cell record too small for its sample");
}
END_TEST

START_TEST(damaged_levels_are_told) {
    builder_begin(&b, 0);
    struct memscope_level_record *level =
        builder_level(&b, MEMSCOPE_LEVEL_SAMPLED, MEMSCOPE_LEVEL_OVER_BUDGET, 5);
    expect_damage("samples without an interval");
    level->level = 4;
    expect_damage("a level of tracking that is none");
    level->level = MEMSCOPE_LEVEL_TOTALS;
    sum_up();
}
END_TEST

START_TEST(header_that_names_no_site_of_unsampled_blocks_is_damage) {
    builder_begin(&b, 0);
    builder_unsampled_cell(&b, 0);
    sum_up();
    builder_header(&b)->unsampled_site_ref = builder_string(&b, "no site");
    expect_damage("names no site");
}
END_TEST

// --- levels ------------------------------------------------------------------------------------

START_TEST(profile_without_a_level_is_at_whole_stacks) {
    builder_begin(&b, 0);
    builder_thread(&b, 0, "main", 0);
    sum_up();
    size_t count;
    struct ms_level *levels = ms_levels_read(summary, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(levels[0].level, MEMSCOPE_LEVEL_CONTEXTS);
    ck_assert_uint_eq(levels[0].record, 0);
    ck_assert_uint_eq(levels[0].until_ns, 8200000000u);
    ck_assert(levels[0].sample_rate == 1);
    ck_assert(isnan(levels[0].overhead_percent));
    ck_assert(!ms_sites_are_estimated(summary));
}
END_TEST

START_TEST(levels_follow_their_times_not_their_records) {
    builder_begin(&b, 0);
    builder_thread(&b, 0, "main", 0);
    builder_level(&b, MEMSCOPE_LEVEL_CONTEXTS, MEMSCOPE_LEVEL_UNDER_BUDGET, 3000);
    builder_level(&b, MEMSCOPE_LEVEL_SITES, MEMSCOPE_LEVEL_OVER_BUDGET, 1000);
    struct memscope_level_record *sampled =
        builder_level(&b, MEMSCOPE_LEVEL_SAMPLED, MEMSCOPE_LEVEL_OVER_BUDGET, 2000);
    sampled->interval_bytes = 1477;
    builder_level(&b, MEMSCOPE_LEVEL_TOTALS, MEMSCOPE_LEVEL_CONFIGURED, 2000); // at the same time
    sum_up();
    size_t count;
    struct ms_level *levels = ms_levels_read(summary, &count);
    const uint32_t wanted[] = {MEMSCOPE_LEVEL_CONTEXTS, MEMSCOPE_LEVEL_SITES,
                               MEMSCOPE_LEVEL_SAMPLED, MEMSCOPE_LEVEL_TOTALS,
                               MEMSCOPE_LEVEL_CONTEXTS};
    const uint64_t since[] = {0, 1000, 2000, 2000, 3000, 8200000000u};
    const double rates[] = {1, 1, 0.5, 0, 1};
    ck_assert_uint_eq(count, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(levels[i].level, wanted[i]);
        ck_assert_uint_eq(levels[i].since_ns, since[i]);
        ck_assert_uint_eq(levels[i].until_ns, since[i + 1]);
        ck_assert(fabs(levels[i].sample_rate - rates[i]) < 1e-3);
        ck_assert_int_eq(ms_level_is_estimated(levels[i].level), i == 2 || i == 3);
    }
}
END_TEST

START_TEST(level_asked_for_holds_from_the_start) {
    builder_begin(&b, 0);
    struct memscope_level_record *level =
        builder_level(&b, MEMSCOPE_LEVEL_SAMPLED, MEMSCOPE_LEVEL_CONFIGURED, 21000);
    level->interval_bytes = 9719;
    builder_thread(&b, 0, "main", 0);
    sum_up();
    size_t count;
    struct ms_level *levels = ms_levels_read(summary, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(levels[0].level, MEMSCOPE_LEVEL_SAMPLED);
    ck_assert_uint_eq(levels[0].since_ns, 0);
    ck_assert(levels[0].budget_percent == 5);
    // Asked for while it ran: before that there was another.
    builder_level(&b, MEMSCOPE_LEVEL_SITES, MEMSCOPE_LEVEL_CONFIGURED, 500000);
    level->record.type = MEMSCOPE_RECORD_PENDING;
    sum_up();
    levels = ms_levels_read(summary, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(levels[0].level, MEMSCOPE_LEVEL_CONTEXTS);
    ck_assert_uint_eq(levels[1].since_ns, 500000);
}
END_TEST

START_TEST(odd_percentages_are_data) {
    const double odd[] = {NAN, -3, INFINITY, 1e300};
    builder_begin(&b, 0);
    for (size_t i = 0; i < 4; i++) {
        struct memscope_level_record *level =
            builder_level(&b, MEMSCOPE_LEVEL_SITES, MEMSCOPE_LEVEL_OVER_BUDGET, i);
        level->reason = 7;
        level->overhead_percent = level->overhead_error = level->budget_percent = odd[i];
    }
    sum_up();
    size_t count;
    struct ms_level *levels = ms_levels_read(summary, &count);
    ck_assert_uint_eq(count, 5);
    ck_assert(levels[2].overhead_percent == -3);
    ck_assert_str_eq(ms_level_reason_name(levels[2].reason), "unknown");
}
END_TEST

// --- samples, overhead -------------------------------------------------------------------------

START_TEST(samples_are_summed_by_their_interval) {
    builder_sampled(&b);
    struct memscope_cell_record *cell = builder_sampled_cell(&b, 0, 0, 1477, 64);
    builder_cell_counts(cell, 5, 50, 5);
    builder_sampled_cell(&b, 0, 0, 333, 64); // nothing in it yet
    sum_up();
    size_t count;
    struct ms_sample_interval *intervals = ms_sample_intervals(summary, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(intervals[0].interval_bytes, 1477);
    ck_assert_uint_eq(intervals[0].blocks, 5);
    ck_assert_uint_eq(intervals[0].bytes, 250);
    ck_assert_uint_eq(intervals[1].interval_bytes, 9719);
    ck_assert_uint_eq(intervals[1].blocks, 290);
    ck_assert_uint_eq(intervals[1].bytes, 250 * 1024 + 40 * 100);
    ck_assert_uint_eq(summary->sampled_blocks, 295);
    free(intervals);
}
END_TEST

START_TEST(overhead_is_of_the_programs_own_time) {
    struct ms_overhead overhead;
    builder_begin(&b, 0);
    struct memscope_profile_header *header = builder_header(&b);
    sum_up();
    ck_assert(!ms_overhead_read(profile, &overhead)); // not measured
    header->overhead_ns = 30000000;
    header->overhead_error_ns = 8000000;
    header->overhead_cpu_ns = 1030000000;
    sum_up();
    ck_assert(ms_overhead_read(profile, &overhead));
    ck_assert(fabs(overhead.percent - 3) < 1e-12);
    // Between 22/1008 and 38/992: half of that is 0.824; to the first order 8 * 1030 / 1000^2.
    ck_assert(fabs(overhead.error - 0.824) < 1e-12);
    ck_assert_uint_eq(overhead.cpu_ns, 1030000000);
    header->overhead_ns = 1030000000; // it cannot all be ours
    sum_up();
    ck_assert(!ms_overhead_read(profile, &overhead));
}
END_TEST

static const struct claim claims[] = {
    CLAIM(damaged_samples_are_told),
    CLAIM(damaged_levels_are_told),
    CLAIM(header_that_names_no_site_of_unsampled_blocks_is_damage),
    CLAIM(profile_without_a_level_is_at_whole_stacks),
    CLAIM(levels_follow_their_times_not_their_records),
    CLAIM(level_asked_for_holds_from_the_start),
    CLAIM(odd_percentages_are_data),
    CLAIM(samples_are_summed_by_their_interval),
    CLAIM(overhead_is_of_the_programs_own_time),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
