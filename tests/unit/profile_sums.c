// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What cells mean and how they add up: each figure below follows from profile_format.h by hand.

#include "builder.h"
#include "claims.h"

#include <string.h>

#include <profile/profile.h>

static struct builder b;
static struct ms_summary *summary;

static void sum_up(void) {
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    ck_assert_int_eq(ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message),
                     MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
}

START_TEST(remote_frees_count_with_own) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    uint32_t thread = builder_thread(&b, 0, "main", 0);
    struct memscope_cell_record *cell = builder_cell(&b, site, thread);
    *cell = (struct memscope_cell_record){.record = cell->record,
                                          .site_ref = site,
                                          .thread_ref = thread,
                                          .count_word = memscope_count_of(10),
                                          .bytes = 1000,
                                          .frees = 3,
                                          .freed_bytes = 300,
                                          .remote_frees = 2,
                                          .remote_freed_bytes = 250,
                                          .headroom_bytes = 200,
                                          .temporary = 1};
    builder_header(&b)->peak_live_bytes = 900;
    sum_up();
    const struct ms_counts *counts[] = {&summary->total, &summary->sites[0].counts,
                                        &summary->threads[0].counts, &summary->cells[0].counts};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(counts[i]->allocations, 10);
        ck_assert_uint_eq(counts[i]->bytes, 1000);
        ck_assert_uint_eq(counts[i]->frees, 5);
        ck_assert_uint_eq(counts[i]->freed_bytes, 550);
        ck_assert_uint_eq(counts[i]->live_allocations, 5);
        ck_assert_uint_eq(counts[i]->live_bytes, 450);
        ck_assert_uint_eq(counts[i]->temporary, 1);
        ck_assert_uint_eq(counts[i]->peak_bytes, 900);
        ck_assert_uint_eq(counts[i]->peak_error_bytes, 0);
    }
}
END_TEST

START_TEST(at_peak_follows_the_epochs) {
    // own: saved where the epoch is the peak's, else bytes - freed_bytes; remote alike.
    const struct {
        uint64_t epoch, remote_epoch, wanted;
    } cases[] = {{7, 7, 400 - 30}, {6, 7, 1000 - 300 - 30}, {7, 6, 400 - 250}, {6, 6, 450}};
    builder_begin(&b, 0);
    builder_header(&b)->peak_epoch = 7;
    builder_header(&b)->peak_live_bytes = 5000;
    uint64_t wanted = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", (uint32_t)i + 1, 1);
        struct memscope_cell_record *cell = builder_cell(&b, site, 0);
        builder_count(cell, 10);
        cell->bytes = 1000;
        cell->freed_bytes = 300;
        cell->remote_freed_bytes = 250;
        cell->at_peak_bytes = 400;
        cell->remote_at_peak_bytes = 30;
        cell->epoch = cases[i].epoch;
        cell->remote_epoch = cases[i].remote_epoch;
        wanted += cases[i].wanted;
    }
    sum_up();
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(summary->sites[i].counts.at_peak_bytes, cases[i].wanted);
    ck_assert_uint_eq(summary->total.at_peak_bytes, wanted);
}
END_TEST

START_TEST(site_peak_over_threads_has_both_bounds) {
    builder_begin(&b, 0);
    builder_header(&b)->strategy = MEMSCOPE_STRATEGY_THREAD_LOCAL;
    builder_header(&b)->threads_highest = 3;
    builder_header(&b)->peak_epoch = 2;
    builder_header(&b)->peak_live_bytes = 100;
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    const uint64_t peaks[] = {500, 300, 200}, live[] = {10, 20, 30};
    for (uint32_t i = 0; i < 3; i++) {
        struct memscope_cell_record *cell = builder_cell(&b, site, builder_thread(&b, i, "t", 0));
        builder_count(cell, 9);
        cell->bytes = 1000;
        cell->freed_bytes = 1000 - live[i];
        builder_cell_peak(cell, peaks[i]);
        cell->epoch = 2;
        cell->at_peak_bytes = 150;
    }
    sum_up();
    // At the peak 3 * 150; live 60; the largest cell 500; the cells together 1000.
    ck_assert_uint_eq(summary->sites[0].counts.peak_bytes, 500);
    ck_assert_uint_eq(summary->sites[0].counts.peak_error_bytes, 500);
    ck_assert_uint_eq(summary->sites[0].counts.at_peak_bytes, 450);
    ck_assert_uint_eq(summary->cells[1].counts.peak_bytes, 300);
    ck_assert_uint_eq(summary->cells[1].counts.peak_error_bytes, 0);
}
END_TEST

START_TEST(process_peak_is_exact_in_one_thread_and_bounded_in_many) {
    builder_begin(&b, 0);
    builder_header(&b)->peak_live_bytes = 100;
    builder_header(&b)->threads_highest = 8;
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    struct memscope_cell_record *cell = builder_cell(&b, site, builder_thread(&b, 0, "main", 0));
    cell->bytes = 90;
    sum_up();
    ck_assert_uint_eq(summary->total.peak_bytes, 100);
    ck_assert_uint_eq(summary->total.peak_error_bytes, 0);
    ck_assert_uint_eq(summary->threads[0].counts.peak_bytes, 100); // the process's
    builder_header(&b)->strategy = MEMSCOPE_STRATEGY_THREAD_LOCAL;
    cell->bytes = 130; // more lives than was ever published
    sum_up();
    ck_assert_uint_eq(summary->total.peak_bytes, 130);
    ck_assert_uint_eq(summary->total.peak_error_bytes, 8 * 65536);
    ck_assert_uint_eq(summary->threads[0].counts.peak_bytes, 130);
}
END_TEST

START_TEST(midflight_and_giant_counters_never_wrap) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    struct memscope_cell_record *cell = builder_cell(&b, site, 0);
    builder_count(cell, 4);
    cell->bytes = 40;
    cell->frees = 5; // the free was read, its allocation not yet
    cell->freed_bytes = 50;
    cell->remote_at_peak_bytes = 100;
    cell->remote_epoch = 1;
    cell = builder_cell(&b, site, 0);
    cell->count_word = BUILDER_MOST_BLOCKS;
    cell->bytes = UINT64_MAX;
    cell->remote_frees = cell->frees = UINT64_MAX;
    cell = builder_cell(&b, site, 0);
    cell->count_word = BUILDER_MOST_BLOCKS;
    cell->bytes = UINT64_MAX;
    sum_up();
    ck_assert_uint_eq(summary->total.allocations, 4 + 2 * BUILDER_MOST_BLOCKS);
    ck_assert_uint_eq(summary->total.bytes, UINT64_MAX);
    ck_assert_uint_eq(summary->total.frees, UINT64_MAX);
    ck_assert_uint_eq(summary->total.live_allocations, BUILDER_MOST_BLOCKS); // of the third alone
    builder_begin(&b, 0);
    site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    cell = builder_cell(&b, site, 0);
    cell->bytes = 40;
    cell->freed_bytes = 50;
    cell->frees = 5;
    sum_up();
    ck_assert_uint_eq(summary->total.live_bytes, 0);
    ck_assert_uint_eq(summary->total.live_allocations, 0);
    ck_assert_uint_eq(summary->total.at_peak_bytes, 0);
}
END_TEST

START_TEST(equal_places_are_one_site) {
    builder_begin(&b, 0);
    const struct builder_frame one[] = {{"g", "/b.c", 5, 1}}, other[] = {{"g", "/b.c", 6, 1}};
    uint32_t refs[8];
    // The strings are records of their own each time: equality is by text.
    refs[0] = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    refs[1] = builder_inlined_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1, 1, one);
    refs[2] = builder_inlined_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1, 1, other);
    refs[3] = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1); // as 0
    refs[4] = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 2);
    refs[5] = builder_site(&b, MEMSCOPE_SITE_CALLOC, "f", "/a.c", 1, 1);
    refs[6] = builder_inlined_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1, 1, one); // as 1
    refs[7] = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f2", "/a.c", 1, 1);
    for (size_t i = 0; i < 8; i++)
        builder_count(builder_cell(&b, refs[i], 0), (uint64_t)1 << i);
    sum_up();
    ck_assert_uint_eq(summary->site_count, 6);
    const struct {
        uint32_t ref;
        uint64_t calls;
    } wanted[] = {{refs[0], 1 + 8}, {refs[1], 2 + 64}, {refs[2], 4},
                  {refs[4], 16},    {refs[5], 32},     {refs[7], 128}};
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(summary->sites[i].id, wanted[i].ref);
        ck_assert_uint_eq(summary->sites[i].counts.allocations, wanted[i].calls);
    }
    ck_assert_uint_eq(summary->cell_count, 6);
    ck_assert_str_eq(ms_site_frame(summary, &summary->sites[1], 1).function, "g");
}
END_TEST

START_TEST(foreign_sites_merge_by_build_id_and_offset) {
    builder_begin(&b, 0);
    uint32_t first = builder_module(&b, "/lib/a.so", 0x11);
    uint32_t again = builder_module(&b, "/chroot/lib/a.so", 0x11); // the same file elsewhere
    uint32_t other = builder_module(&b, "/lib/a.so", 0x22);        // rebuilt in between
    uint32_t plain = builder_module(&b, "/lib/p.so", 0), same = builder_module(&b, "/lib/p.so", 0);
    const uint32_t refs[] = {
        builder_foreign(&b, first, 0x10), builder_foreign(&b, again, 0x10),
        builder_foreign(&b, other, 0x10), builder_foreign(&b, first, 0x20),
        builder_foreign(&b, plain, 0x10), builder_foreign(&b, same, 0x10),
    };
    for (size_t i = 0; i < 6; i++)
        builder_count(builder_cell(&b, refs[i], 0), (uint64_t)1 << i);
    sum_up();
    ck_assert_uint_eq(summary->site_count, 4);
    ck_assert_uint_eq(summary->sites[0].counts.allocations, 1 + 2);
    ck_assert_uint_eq(summary->sites[1].counts.allocations, 4);
    ck_assert_uint_eq(summary->sites[2].counts.allocations, 8);
    ck_assert_uint_eq(summary->sites[3].counts.allocations, 16 + 32);
    ck_assert_str_eq(summary->sites[0].module->path, "/lib/a.so");
}
END_TEST

START_TEST(coverage_splits_bytes_by_what_is_known) {
    builder_begin(&b, 0);
    uint32_t module = builder_module(&b, "/lib/a.so", 1);
    builder_cell(&b, builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1), 0)->bytes = 1;
    builder_cell(&b, builder_site(&b, MEMSCOPE_SITE_NEW, "nodebug", NULL, 0, 0), 0)->bytes = 2;
    builder_cell(&b, builder_foreign(&b, module, 1), 0)->bytes = 4;
    builder_cell(&b, builder_site(&b, MEMSCOPE_SITE_REENTRANT, NULL, NULL, 0, 0), 0)->bytes = 8;
    builder_cell(&b, builder_site(&b, MEMSCOPE_SITE_OVERFLOW, NULL, NULL, 0, 0), 0)->bytes = 16;
    builder_cell(&b, 0, 0)->bytes = 32;
    sum_up();
    ck_assert_uint_eq(summary->bytes_with_site, 1 + 2);
    ck_assert_uint_eq(summary->bytes_foreign, 4);
    ck_assert_uint_eq(summary->bytes_unplaced, 8 + 16 + 32);
    ck_assert_uint_eq(summary->total.bytes, 63);
}
END_TEST

START_TEST(order_is_by_key_then_stable) {
    builder_begin(&b, 0);
    builder_header(&b)->peak_epoch = 9;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", i + 1, 1);
        struct memscope_cell_record *cell = builder_cell(&b, site, 0);
        cell->bytes = 1000;
        cell->freed_bytes = 1000 - (uint64_t[]){5, 50, 5, 20}[i];
        builder_count(cell, (uint64_t[]){4, 1, 4, 9}[i]);
        cell->temporary = (uint64_t[]){0, 7, 0, 0}[i];
        cell->epoch = 9;
        cell->at_peak_bytes = (uint64_t[]){1, 2, 3, 4}[i];
    }
    sum_up();
    const struct {
        enum ms_order order;
        uint32_t lines[4];
    } cases[] = {
        {MS_ORDER_LIVE, {2, 4, 1, 3}},    {MS_ORDER_CALLS, {4, 1, 3, 2}},
        {MS_ORDER_AT_PEAK, {4, 3, 2, 1}}, {MS_ORDER_TEMPORARY, {2, 4, 1, 3}},
        {MS_ORDER_TOTAL, {2, 4, 1, 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ms_site *sites[4];
        ms_summary_order(summary, cases[i].order, sites);
        for (size_t k = 0; k < 4; k++)
            ck_assert_uint_eq(sites[k]->line, cases[i].lines[k]);
    }
}
END_TEST

START_TEST(threads_come_by_index_with_their_spawn_site) {
    builder_picture(&b);
    sum_up();
    ck_assert_uint_eq(summary->threads_length, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(summary->threads[i].index, i);
    ck_assert_ptr_null(summary->threads[0].spawn_site);
    ck_assert_uint_eq(summary->threads[3].spawn_site->line, 41);
    ck_assert_str_eq(summary->threads[3].name, "worker-3");
    ck_assert_uint_eq(summary->threads[3].counts.allocations, 26704);
    ck_assert_uint_eq(summary->threads[3].counts.peak_bytes, 9766667);
}
END_TEST

static const struct claim claims[] = {
    CLAIM(remote_frees_count_with_own),
    CLAIM(at_peak_follows_the_epochs),
    CLAIM(site_peak_over_threads_has_both_bounds),
    CLAIM(process_peak_is_exact_in_one_thread_and_bounded_in_many),
    CLAIM(midflight_and_giant_counters_never_wrap),
    CLAIM(equal_places_are_one_site),
    CLAIM(foreign_sites_merge_by_build_id_and_offset),
    CLAIM(coverage_splits_bytes_by_what_is_known),
    CLAIM(order_is_by_key_then_stable),
    CLAIM(threads_come_by_index_with_their_spawn_site),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
