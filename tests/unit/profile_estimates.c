// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Estimates from sampled cells: each figure against arithmetic of this file's own, sums against
// each other, and all of it against a simulated program whose truth is known.

#include "summed.h"
#include "builder.h"
#include "claims.h"
#include "random_numbers.h"

#include <math.h>
#include <string.h>

#include <profile/contexts.h>
#include <profile/sampling.h>
#include <profile/tasks.h>

static long double probability(uint64_t bytes, uint64_t interval) {
    return 1 - expl(-(long double)bytes / (long double)interval);
}

static void expect_near(double got, long double wanted) {
    ck_assert_msg(fabsl(got - wanted) <= 1e-9L * fabsl(wanted), "%.17g, not %.17Lg", got, wanted);
}

// --- one cell ----------------------------------------------------------------------------------

START_TEST(sampled_cell_counts_by_the_inverse_of_its_probability) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    uint32_t thread = builder_thread(&b, 0, "main", 0);
    struct memscope_cell_record *cell = builder_sampled_cell(&b, site, thread, 9719, 1024);
    builder_cell_counts(cell, 300, 1000, 120);
    cell->frees -= 20;
    cell->freed_bytes -= 20000;
    cell->remote_frees = 20;
    cell->remote_freed_bytes = 20000;
    cell->remote_epoch = cell->epoch = 1;
    cell->at_peak_bytes = 77000;
    cell->temporary = 9;
    sum_up();
    long double weight = 1 / probability(1024, 9719);
    const struct ms_counts *counts = &summary->sites[0].counts;
    ck_assert(counts->is_estimated);
    ck_assert_uint_eq(counts->live_allocations, (uint64_t)roundl(120 * weight));
    ck_assert_uint_eq(counts->live_bytes, (uint64_t)roundl(120000 * weight));
    ck_assert_uint_eq(counts->frees, (uint64_t)roundl(180 * weight));
    ck_assert_uint_eq(counts->freed_bytes, (uint64_t)roundl(180000 * weight));
    ck_assert_uint_eq(counts->allocations, counts->live_allocations + counts->frees);
    ck_assert_uint_eq(counts->bytes, counts->live_bytes + counts->freed_bytes);
    ck_assert_uint_eq(counts->at_peak_bytes, (uint64_t)roundl(77000 * weight));
    ck_assert_uint_eq(counts->temporary, (uint64_t)roundl(9 * weight));
    ck_assert_uint_eq(summary->cells[0].counts.bytes, counts->bytes);
    // Process and thread have what was counted, no more.
    const struct ms_counts *raw[] = {&summary->total, &summary->threads[0].counts};
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!raw[i]->is_estimated);
        ck_assert_uint_eq(raw[i]->allocations, 300);
        ck_assert_uint_eq(raw[i]->live_bytes, 120000);
        ck_assert_uint_eq(raw[i]->at_peak_bytes, 77000);
    }
    ck_assert_uint_eq(summary->sampled_blocks, 300);
    ck_assert_uint_eq(summary->sampled_bytes, 300000);
    ck_assert_uint_eq(summary->unsampled_blocks, 0);
}
END_TEST

START_TEST(errors_are_those_of_horvitz_and_thompson) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    const struct {
        uint64_t interval, sample, blocks, bytes, live, at_peak;
    } cells[] = {{9719, 1024, 300, 1000, 120, 77000},
                 {1477, 16, 50, 0, 50, 0},
                 {101888, 65536, 4, 65000, 0, 130000}};
    long double wanted[4] = {0};
    for (size_t i = 0; i < 3; i++) {
        struct memscope_cell_record *cell =
            builder_sampled_cell(&b, site, 0, cells[i].interval, cells[i].sample);
        builder_cell_counts(cell, cells[i].blocks, cells[i].bytes, cells[i].live);
        cell->epoch = 1;
        cell->at_peak_bytes = cells[i].at_peak;
        long double p = probability(cells[i].sample, cells[i].interval), each = (1 - p) / (p * p);
        long double size = cells[i].bytes;
        wanted[0] += cells[i].blocks * each;
        wanted[1] += cells[i].blocks * size * size * each;
        wanted[2] += cells[i].live * size * size * each;
        if (size > 0)
            wanted[3] += cells[i].at_peak / size * size * size * each;
    }
    builder_cell_counts(builder_cell(&b, site, 0), 1000, 1 << 20, 500); // exact: it adds none
    sum_up();
    const struct ms_variance *variance = &summary->sites[0].counts.variance;
    expect_near(variance->allocations, wanted[0]);
    expect_near(variance->bytes, wanted[1]);
    expect_near(variance->live_bytes, wanted[2]);
    expect_near(variance->at_peak_bytes, wanted[3]);
    expect_near(ms_error_95(variance->bytes), 1.96L * sqrtl(wanted[1]));
    ck_assert(summary->total.variance.bytes == 0);
    ck_assert(ms_error_95(0) == 0);
}
END_TEST

START_TEST(block_far_larger_than_the_interval_is_exact) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    builder_cell_counts(builder_sampled_cell(&b, site, 0, 1477, 1 << 20), 7, 1 << 20, 3);
    sum_up();
    ck_assert_uint_eq(summary->sites[0].counts.allocations, 7);
    ck_assert_uint_eq(summary->sites[0].counts.live_bytes, 3 << 20);
    ck_assert(ms_error_95(summary->sites[0].counts.variance.bytes) < 1e-9);
}
END_TEST

START_TEST(unsampled_blocks_are_in_totals_threads_and_tasks_alone) {
    builder_begin(&b, 0);
    uint32_t thread = builder_thread(&b, 0, "main", 0);
    uint32_t class_ref =
        builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "session(int)", "/net.cc", 20, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    builder_cell_counts(builder_cell(&b, site, thread), 5, 100, 2);
    builder_cell_counts(builder_unsampled_cell(&b, thread), 70, 100, 30);
    struct memscope_cell_record *cell = builder_unsampled_cell(&b, thread);
    builder_cell_counts(cell, 11, 10, 1);
    cell->record.flags |= MEMSCOPE_CELL_TASK;
    cell->class_ref = class_ref;
    sum_up();
    ck_assert_uint_eq(summary->site_count, 1); // that of what was not sampled is none
    ck_assert_uint_eq(summary->sites[0].counts.allocations, 5);
    ck_assert(!summary->sites[0].counts.is_estimated);
    ck_assert_uint_eq(summary->cell_count, 1);
    ck_assert_uint_eq(summary->all_sites.bytes, 500);
    ck_assert_uint_eq(summary->total.allocations, 86);
    ck_assert_uint_eq(summary->total.live_bytes, 3210);
    ck_assert_uint_eq(summary->threads[0].counts.bytes, 7610);
    ck_assert_uint_eq(summary->tasks->tasks[0].bytes, 7500); // the thread's root task
    ck_assert_uint_eq(summary->tasks->classes[0].counts.bytes, 110);
    ck_assert_uint_eq(summary->unsampled_blocks, 81);
    ck_assert_uint_eq(summary->unsampled_bytes, 7110);
    ck_assert(ms_sites_are_estimated(summary));
    struct ms_contexts *contexts;
    ck_assert_int_eq(ms_contexts_create(summary, NULL, &contexts), MEMSCOPE_OK);
    ck_assert_uint_eq(contexts->without.bytes, 500);
}
END_TEST

START_TEST(peak_of_an_estimated_site_is_not_claimed) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    uint32_t exact = builder_site(&b, MEMSCOPE_SITE_MALLOC, "g", "/a.c", 2, 1);
    struct memscope_cell_record *cell = builder_sampled_cell(&b, site, 0, 9719, 1024);
    builder_cell_counts(cell, 10, 1024, 0);
    builder_cell_peak(cell, 8192);
    cell = builder_cell(&b, exact, 0);
    builder_cell_counts(cell, 10, 1024, 0);
    builder_cell_peak(cell, 8192);
    struct memscope_site_peak_record *peak =
        builder_record(&b, builder_raw(&b, MEMSCOPE_RECORD_SITE_PEAK, 1));
    peak->site_ref = site;
    peak->peak_bytes = 5000;
    sum_up();
    ck_assert_uint_eq(summary->sites[0].counts.peak_bytes,
                      0); // nothing of it lives at a known time
    ck_assert_uint_eq(summary->sites[0].counts.peak_error_bytes, 0);
    ck_assert_uint_eq(summary->sites[1].counts.peak_bytes, 8192);
}
END_TEST

// --- sums --------------------------------------------------------------------------------------

enum { SUMS = 8 };

static void add_sums(uint64_t sums[SUMS], const struct ms_counts *counts) {
    const uint64_t values[SUMS] = {counts->allocations,   counts->bytes,
                                   counts->frees,         counts->freed_bytes,
                                   counts->live_bytes,    counts->live_allocations,
                                   counts->at_peak_bytes, counts->temporary};
    for (int i = 0; i < SUMS; i++)
        sums[i] += values[i];
}

static void expect_same_sums(const uint64_t got[SUMS], const uint64_t wanted[SUMS]) {
    for (int i = 0; i < SUMS; i++)
        ck_assert_uint_eq(got[i], wanted[i]);
}

// Many cells of a few blocks each: sampled, exact and unsampled; with a context or without.
static void build_many(long double wanted[20], long double wanted_live[20]) {
    uint32_t sites[20], contexts[60], threads[3];
    builder_begin_large(&b, 500, 4 << 20);
    for (uint32_t i = 0; i < 3; i++)
        threads[i] = builder_thread(&b, i, "t", 0);
    for (uint32_t i = 0; i < 20; i++) {
        sites[i] = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", i + 1, 1);
        wanted[i] = wanted_live[i] = 0;
    }
    for (uint32_t i = 0; i < 60; i++) {
        const uint64_t frames[] = {0x1000, 0x2000 + 16 * i};
        contexts[i] = builder_context(&b, sites[i % 20], 0, 2, frames);
    }
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t context = (uint32_t)below(60), site = context % 20;
        uint32_t thread = threads[below(3)];
        uint64_t bytes = 1 + below(5000), blocks = 1 + below(3), live = below(blocks + 1);
        uint64_t interval = (uint64_t[]){1477, 9719, 101888}[below(3)];
        struct memscope_cell_record *cell;
        long double weight = 1;
        if (below(10) == 0) {
            cell = builder_unsampled_cell(&b, thread);
            weight = 0;
        } else if (below(4) == 0) {
            cell = builder_cell(&b, sites[site], thread);
        } else {
            uint64_t counted = memscope_sample_bytes(bytes);
            cell = builder_sampled_cell(&b, sites[site], thread, interval, counted);
            weight = 1 / probability(counted, interval);
        }
        builder_cell_counts(cell, blocks, bytes, live);
        cell->temporary = below(blocks - live + 1);
        cell->epoch = below(2);
        cell->at_peak_bytes = below(blocks + 1) * bytes;
        if (weight > 0 && below(3) > 0)
            cell->context_ref = contexts[context];
        wanted[site] += (long double)blocks * weight;
        wanted_live[site] += (long double)(live * bytes) * weight;
    }
}

START_TEST(sums_of_sites_contexts_types_and_cells_are_the_same) {
    long double wanted[20], wanted_live[20];
    for (uint64_t seed = 1; seed <= 5; seed++) {
        seed_random(seed);
        build_many(wanted, wanted_live);
        sum_up();
        uint64_t of_sites[SUMS] = {0}, of_cells[SUMS] = {0}, of_contexts[SUMS] = {0};
        uint64_t of_all[SUMS] = {0}, of_types[SUMS] = {0};
        add_sums(of_all, &summary->all_sites);
        ck_assert_uint_eq(summary->site_count, 20);
        for (size_t i = 0; i < 20; i++) {
            const struct ms_counts *counts = &summary->sites[i].counts;
            add_sums(of_sites, counts);
            // Rounding takes less than one block and one byte, however many cells there are; what
            // was allocated is two such figures.
            ck_assert(fabsl((long double)counts->allocations - wanted[i]) <= 1.001L);
            ck_assert(fabsl((long double)counts->live_bytes - wanted_live[i]) <= 0.501L);
        }
        for (size_t i = 0; i < summary->cell_count; i++)
            add_sums(of_cells, &summary->cells[i].counts);
        struct ms_contexts *contexts;
        ck_assert_int_eq(ms_contexts_create(summary, NULL, &contexts), MEMSCOPE_OK);
        ck_assert_uint_eq(contexts->count, 60);
        add_sums(of_contexts, &contexts->without);
        double variance = contexts->without.variance.bytes;
        for (size_t i = 0; i < contexts->count; i++) {
            add_sums(of_contexts, &contexts->items[i].counts);
            variance += contexts->items[i].counts.variance.bytes;
        }
        struct ms_row rows[21];
        size_t count;
        ck_assert_int_eq(ms_summary_rows_by(summary, MS_BY_TYPE, MS_ORDER_TOTAL, rows, &count),
                         MEMSCOPE_OK);
        for (size_t i = 0; i < count; i++)
            add_sums(of_types, &rows[i].counts);
        expect_same_sums(of_sites, of_all);
        expect_same_sums(of_cells, of_all);
        expect_same_sums(of_contexts, of_all);
        expect_same_sums(of_types, of_all);
        ck_assert_uint_eq(summary->bytes_with_site + summary->bytes_foreign +
                              summary->bytes_unplaced,
                          summary->all_sites.bytes);
        expect_near(variance, summary->all_sites.variance.bytes);
        ms_contexts_destroy(contexts);
        let_go();
    }
}
END_TEST

START_TEST(estimate_of_giants_saturates) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    for (int i = 0; i < 2; i++) {
        struct memscope_cell_record *cell = builder_sampled_cell(&b, site, 0, UINT64_MAX, 1);
        cell->count_word = BUILDER_MOST_BLOCKS;
        cell->bytes = UINT64_MAX;
        cell->frees = UINT64_MAX / 2;
    }
    sum_up();
    ck_assert_uint_eq(summary->sites[0].counts.allocations, UINT64_MAX);
    ck_assert_uint_eq(summary->sites[0].counts.bytes, UINT64_MAX);
    ck_assert(isfinite(ms_error_95(summary->sites[0].counts.variance.bytes)));
}
END_TEST

static const struct claim claims[] = {
    CLAIM(sampled_cell_counts_by_the_inverse_of_its_probability),
    CLAIM(errors_are_those_of_horvitz_and_thompson),
    CLAIM(block_far_larger_than_the_interval_is_exact),
    CLAIM(unsampled_blocks_are_in_totals_threads_and_tasks_alone),
    CLAIM(peak_of_an_estimated_site_is_not_claimed),
    CLAIM(sums_of_sites_contexts_types_and_cells_are_the_same),
    CLAIM(estimate_of_giants_saturates),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
