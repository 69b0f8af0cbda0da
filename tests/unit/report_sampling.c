// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reports of a profile that was sampled for a time: whole texts against golden files, and what is
// said where there is more or less of it.

#include "builder.h"
#include "claims.h"
#include "stacks.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <report/leaks.h>
#include <report/report.h>
#include <report/stack_views.h>
#include <report/tasks_report.h>

static struct builder b;
static struct ms_summary *summary;
static struct ms_contexts *contexts;
static char *text;
static size_t text_bytes;

static void sum_up(void) {
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    ck_assert_int_eq(ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message),
                     MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ck_assert_int_eq(ms_contexts_create(summary, NULL, &contexts), MEMSCOPE_OK);
}

static FILE *begin(void) {
    FILE *out = open_memstream(&text, &text_bytes);
    ck_assert(out != NULL);
    return out;
}

static void expect_golden(const char *name) {
    char path[4096], wanted[65536];
    snprintf(path, sizeof path, GOLDEN "/%s", name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no %s; got:\n%s", path, text);
    size_t length = fread(wanted, 1, sizeof wanted - 1, file);
    fclose(file);
    wanted[length] = '\0';
    ck_assert_msg(strcmp(text, wanted) == 0, "%s differs; got:\n%s", path, text);
}

static void expect_words(const char *words) {
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not in:\n%s", words, text);
}

static void expect_no_words(const char *words) {
    ck_assert_msg(strstr(text, words) == NULL, "\"%s\" is in:\n%s", words, text);
}

static void report(enum ms_order order) {
    struct ms_report_options options = {
        .order = order, .top = 15, .contexts = contexts, .stacks = 3};
    FILE *out = begin();
    ck_assert_int_eq(ms_report_text(summary, &options, out), MEMSCOPE_OK);
    fclose(out);
}

static void report_tree(enum ms_stack_measure by) {
    const struct ms_stack_options options = {.by = by};
    const struct ms_tree_options shown = {0};
    struct ms_stack_tree *tree;
    ck_assert_int_eq(ms_stack_tree_create(contexts, &options, &tree), MEMSCOPE_OK);
    FILE *out = begin();
    ck_assert_int_eq(ms_report_tree(tree, &shown, out), MEMSCOPE_OK);
    fclose(out);
}

START_TEST(sampled_summary_is_as_the_golden_text) {
    builder_sampled(&b);
    sum_up();
    report(MS_ORDER_AT_PEAK);
    expect_golden("sampled_report.expected");
}
END_TEST

START_TEST(sampled_site_is_as_the_golden_text) {
    builder_sampled(&b);
    sum_up();
    struct ms_report_options options = {.order = MS_ORDER_TOTAL, .contexts = contexts, .stacks = 1};
    struct ms_place place;
    ck_assert_int_eq(ms_place_parse("parse.cc:88", &place), MEMSCOPE_OK);
    FILE *out = begin();
    ck_assert_int_eq(ms_report_site(summary, &place, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("sampled_site.expected");
}
END_TEST

START_TEST(sampled_types_are_as_the_golden_text) {
    builder_sampled(&b);
    sum_up();
    struct ms_report_options options = {.order = MS_ORDER_LIVE};
    FILE *out = begin();
    ck_assert_int_eq(ms_report_by(summary, MS_BY_TYPE, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("sampled_by.expected");
}
END_TEST

START_TEST(sampled_tree_is_as_the_golden_text) {
    builder_sampled(&b);
    sum_up();
    report_tree(MS_STACKS_BY_COUNT);
    expect_golden("sampled_tree.expected");
}
END_TEST

START_TEST(sampled_leaks_are_as_the_golden_text) {
    builder_sampled(&b);
    sum_up();
    struct ms_leaks_options options = {.top = 2};
    struct ms_leaks *leaks;
    ck_assert_int_eq(ms_leaks_create(contexts, NULL, NULL, &leaks), MEMSCOPE_OK);
    FILE *out = begin();
    ck_assert_int_eq(ms_report_leaks(leaks, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("sampled_leaks.expected");
}
END_TEST

static struct ms_leaks *filtered_leaks(const struct ms_stack_filters *filters) {
    const struct ms_leaks_options options = {0};
    struct ms_leaks *leaks;
    ck_assert_int_eq(ms_leaks_create(contexts, NULL, filters, &leaks), MEMSCOPE_OK);
    FILE *out = begin();
    ck_assert_int_eq(ms_report_leaks(leaks, &options, out), MEMSCOPE_OK);
    fclose(out);
    return leaks;
}

START_TEST(filters_of_estimates_leave_estimates) {
    builder_sampled(&b);
    sum_up();
    const struct ms_stack_filter *parse = stacks_filter("parse\\.cc");
    const struct ms_stack_filters focus = {.focus = parse}, ignore = {.ignore = parse},
                                  exact = {.focus = stacks_filter("load\\.cc")},
                                  none = {.focus = stacks_filter("nothing")};
    struct ms_leaks *all = filtered_leaks(NULL);
    struct ms_leaks *dropped = filtered_leaks(&ignore);
    struct ms_leaks *kept = filtered_leaks(&focus);
    expect_words("~716.8 kB ±159.3 kB in ~700 blocks alive at exit, from 2 places\n"
                 "the filters leave ~716.8 kB of ~3.7 MB, 19.2%\n"
                 "the process has exactly 3.7 MB in 723 blocks\n");
    ck_assert_uint_eq(kept->bytes, 716799);
    ck_assert_uint_eq(kept->bytes + dropped->bytes, all->bytes);
    ck_assert_uint_eq(kept->blocks + dropped->blocks, all->blocks);
    ck_assert_double_eq_tol(kept->variance + dropped->variance, all->variance, 1e-3);
    // What is exact stays so; the whole is none.
    ck_assert(!filtered_leaks(&exact)->is_estimated);
    expect_words("3.0 MB in 3 blocks alive at exit, from 1 place\n"
                 "the filters leave 3.0 MB of ~3.7 MB, 80.7%\n");
    // Samples live elsewhere: what was not sampled is not held against this filter.
    ck_assert(!ms_leaks_any(filtered_leaks(&none)));
    expect_words("no sample the filters leave is alive at exit\n"
                 "the filters leave 0 B of ~3.7 MB, 0.0%\n");
}
END_TEST

START_TEST(leaks_of_which_no_sample_is_left_are_not_denied) {
    builder_begin(&b, 0);
    builder_cell_counts(builder_sampled_cell(&b, 0, 0, 9719, 64), 5, 64, 0);
    builder_cell_counts(builder_unsampled_cell(&b, 0), 700, 64, 2);
    sum_up();
    struct ms_leaks_options options = {0};
    struct ms_leaks *leaks;
    ck_assert_int_eq(ms_leaks_create(contexts, NULL, NULL, &leaks), MEMSCOPE_OK);
    FILE *out = begin();
    ck_assert_int_eq(ms_report_leaks(leaks, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_words("no sample is alive at exit\nthe process has exactly 128 B in 2 blocks\n");
    ck_assert(ms_leaks_any(leaks));
    // Nobody knows whether a filter would leave them.
    const struct ms_stack_filters filters = {.focus = stacks_filter("somewhere")};
    ck_assert(ms_leaks_any(filtered_leaks(&filters)));
    expect_words("no sample is alive at exit\nthe process has exactly 128 B in 2 blocks\n");
    // With none of them alive it is as ever.
    builder_begin(&b, 0);
    builder_cell_counts(builder_unsampled_cell(&b, 0), 700, 64, 0);
    sum_up();
    ck_assert_int_eq(ms_leaks_create(contexts, NULL, NULL, &leaks), MEMSCOPE_OK);
    ck_assert(!ms_leaks_any(leaks));
}
END_TEST

START_TEST(info_tells_samples_levels_and_overhead) {
    builder_sampled(&b);
    sum_up();
    struct ms_report_options options = {0};
    FILE *out = begin();
    ck_assert_int_eq(ms_report_info(summary, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("sampled_info.expected");
}
END_TEST

START_TEST(exports_say_that_their_figures_are_estimates) {
    builder_sampled(&b);
    sum_up();
    FILE *out = begin();
    ck_assert_int_eq(ms_put_collapsed(contexts, MS_STACKS_BY_TOTAL, NULL, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("sampled_collapsed.expected");
    const struct ms_stack_options options = {.by = MS_STACKS_BY_TOTAL};
    const struct ms_flame_options flame = {0};
    struct ms_stack_tree *tree;
    ck_assert_int_eq(ms_stack_tree_create(contexts, &options, &tree), MEMSCOPE_OK);
    out = begin();
    ck_assert_int_eq(ms_put_flame(tree, &flame, out), MEMSCOPE_OK);
    fclose(out);
    expect_words("~6,100,760 B; estimated from samples, 95 of 100 such sums are off by less than "
                 "324,268 B</text>");
}
END_TEST

START_TEST(tasks_of_a_sampled_program_are_exact) {
    builder_sampled(&b);
    sum_up();
    struct ms_tasks_options options = {.view = MS_TASKS_CLASSES};
    FILE *out = begin();
    ck_assert_int_eq(ms_report_tasks(summary, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_words("2 threads outside of tasks");
    expect_words("sites are estimated from samples; what threads and tasks have is exact\n");
    expect_no_words("~");
}
END_TEST

START_TEST(peaks_that_are_not_known_are_not_shown) {
    builder_sampled(&b);
    sum_up();
    report(MS_ORDER_PEAK);
    expect_words("parse.cc:88 parse()  peak not known\n");
    expect_words("load.cc:12 load()  peak 3.0 MB\n");
    report_tree(MS_STACKS_BY_PEAK);
    expect_words("peaks of what was sampled are not known: ");
}
END_TEST

START_TEST(program_that_was_not_sampled_for_want_of_a_rate_says_so) {
    builder_begin(&b, 0);
    builder_level(&b, MEMSCOPE_LEVEL_TOTALS, MEMSCOPE_LEVEL_CONFIGURED, 0);
    builder_cell_counts(builder_unsampled_cell(&b, builder_thread(&b, 0, "main", 0)), 500, 10, 3);
    sum_up();
    report(MS_ORDER_LIVE);
    expect_words("not sampled: 500 blocks are in totals alone, at no site; totals are exact\n");
    expect_words("live at exit 30 B in 3 blocks\n");
    expect_words("GlobalDirect (1 thread)  totals exact, sites not known for all\n");
    expect_words("no allocation is known by its site\n");
    expect_no_words("~");
    expect_no_words("given up"); // it was asked for
}
END_TEST

START_TEST(rates_are_told_in_short) {
    builder_sampled(&b);
    const uint64_t intervals[] = {1477, 101888, 1023488};
    for (size_t i = 0; i < 3; i++) {
        builder_cell_counts(builder_sampled_cell(&b, 0, 0, intervals[i], 64), 1, 64, 1);
        sum_up();
        report(MS_ORDER_LIVE);
        expect_words(((const char *[]){"(each of 1 KiB with a chance of 50% or 10%, larger",
                                       "(each of 1 KiB with a chance of 50% or 10% or 1%, larger",
                                       "(each of 1 KiB with a chance of 50% to 0.1%, larger"})[i]);
    }
}
END_TEST

START_TEST(what_was_given_up_is_told_up_to_an_unknown_end) {
    builder_sampled(&b);
    sum_up();
    report(MS_ORDER_LIVE);
    expect_words("given up: stacks for 800 ms, exact figures by site for 5.0 s\n");
    builder_level(&b, MEMSCOPE_LEVEL_TOTALS, MEMSCOPE_LEVEL_OVER_BUDGET, 8000000000);
    sum_up();
    report(MS_ORDER_LIVE);
    expect_words("from 8.0 s on in total alone: the budget of 5% was passed\n");
    expect_words("given up: stacks for 1.0 s, exact figures by site for 5.2 s, all figures by site "
                 "for 200 ms\n");
    builder_header(&b)->state = MEMSCOPE_PROCESS_RUNNING;
    builder_header(&b)->end_monotonic_ns = 0;
    builder_header(&b)->pid = 1u << 30; // gone, nobody knows when
    sum_up();
    report(MS_ORDER_LIVE);
    expect_words("all figures by site for 0 ms and from then on\n");
}
END_TEST

START_TEST(many_changes_are_counted) {
    builder_begin(&b, 0);
    builder_thread(&b, 0, "main", 0);
    for (uint64_t i = 0; i < 20; i++)
        builder_level(&b, i % 2 ? MEMSCOPE_LEVEL_CONTEXTS : MEMSCOPE_LEVEL_SITES,
                      i % 2 ? MEMSCOPE_LEVEL_UNDER_BUDGET : MEMSCOPE_LEVEL_OVER_BUDGET,
                      i * 100000000);
    sum_up();
    report(MS_ORDER_LIVE);
    expect_words("… 12 more changes (memscope info and --json have all)\n");
    expect_words("given up: stacks for 1.0 s\n");
}
END_TEST

START_TEST(odd_percentages_are_written_as_they_can_be) {
    const double odd[] = {NAN, -3, INFINITY, 1e300};
    builder_begin(&b, 0);
    for (size_t i = 0; i < 4; i++) {
        struct memscope_level_record *level =
            builder_level(&b, MEMSCOPE_LEVEL_SITES, MEMSCOPE_LEVEL_OVER_BUDGET, i * 1000000);
        if (i >= 2)
            level->reason = 77;
        level->overhead_percent = level->overhead_error = level->budget_percent = odd[i];
    }
    sum_up();
    report(MS_ORDER_LIVE);
    expect_words("from 0 ms on by site alone: the budget was passed\n");
    expect_words("the budget of -3% was passed (-3.0% ± -3.0%)\n");
    expect_words("for reason 77 of a newer runtime (1e+300% ± 1e+300%)\n");
    struct ms_report_options options = {0};
    FILE *out = begin();
    ck_assert_int_eq(ms_report_json(summary, NULL, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_words("\"reason\": \"unknown\", \"overhead_percent\": null");
}
END_TEST

static const struct claim claims[] = {
    CLAIM(sampled_summary_is_as_the_golden_text),
    CLAIM(sampled_site_is_as_the_golden_text),
    CLAIM(sampled_types_are_as_the_golden_text),
    CLAIM(sampled_tree_is_as_the_golden_text),
    CLAIM(sampled_leaks_are_as_the_golden_text),
    CLAIM(filters_of_estimates_leave_estimates),
    CLAIM(leaks_of_which_no_sample_is_left_are_not_denied),
    CLAIM(info_tells_samples_levels_and_overhead),
    CLAIM(exports_say_that_their_figures_are_estimates),
    CLAIM(tasks_of_a_sampled_program_are_exact),
    CLAIM(peaks_that_are_not_known_are_not_shown),
    CLAIM(program_that_was_not_sampled_for_want_of_a_rate_says_so),
    CLAIM(rates_are_told_in_short),
    CLAIM(what_was_given_up_is_told_up_to_an_unknown_end),
    CLAIM(many_changes_are_counted),
    CLAIM(odd_percentages_are_written_as_they_can_be),
};

int main(void) {
    return RUN_CLAIMS("report", claims);
}
