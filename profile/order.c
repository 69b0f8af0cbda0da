// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sites by weight, one by one or as rows of a table.

#define _GNU_SOURCE // qsort_r
#include "internal.h"

#include <stdlib.h>
#include <string.h>

uint64_t ms_counts_weight(const struct ms_counts *counts, enum ms_order order) {
    switch (order) {
    case MS_ORDER_LIVE:
        return counts->live_bytes;
    case MS_ORDER_PEAK:
        return counts->peak_bytes;
    case MS_ORDER_AT_PEAK:
        return counts->at_peak_bytes;
    case MS_ORDER_TOTAL:
        return counts->bytes;
    case MS_ORDER_CALLS:
        return counts->allocations;
    case MS_ORDER_TEMPORARY:
        return counts->temporary;
    }
    return 0;
}

// Ties go to what lives, then to what was asked for, then to the calls.
static int compare_counts(const struct ms_counts *a, const struct ms_counts *b,
                          enum ms_order order) {
    const enum ms_order ties[] = {order, MS_ORDER_LIVE, MS_ORDER_TOTAL, MS_ORDER_CALLS};
    for (size_t i = 0; i < sizeof ties / sizeof *ties; i++) {
        uint64_t x = ms_counts_weight(a, ties[i]), y = ms_counts_weight(b, ties[i]);
        if (x != y)
            return x > y ? -1 : 1;
    }
    return 0;
}

static int compare_ids(const struct ms_site *a, const struct ms_site *b) {
    return (a->id > b->id) - (a->id < b->id);
}

static int compare_weights(const void *left, const void *right, void *order) {
    const struct ms_site *a = *(const struct ms_site *const *)left;
    const struct ms_site *b = *(const struct ms_site *const *)right;
    int difference = compare_counts(&a->counts, &b->counts, *(enum ms_order *)order);
    return difference ? difference : compare_ids(a, b);
}

void ms_summary_order(const struct ms_summary *summary, enum ms_order order,
                      const struct ms_site **sites_out) {
    for (size_t i = 0; i < summary->site_count; i++)
        sites_out[i] = &summary->sites[i];
    qsort_r(sites_out, summary->site_count, sizeof *sites_out, compare_weights, &order);
}

// --- rows --------------------------------------------------------------------------------------

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_texts(const char *a, const char *b) {
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

// Of the shown frame the column does not count: people see lines.
static int compare_frames(const struct ms_frame *a, const struct ms_frame *b, bool with_column) {
    int difference = compare_numbers(a->line, b->line);
    if (difference == 0 && with_column)
        difference = compare_numbers(a->column, b->column);
    if (difference == 0)
        difference = compare_texts(a->file, b->file);
    return difference ? difference : compare_texts(a->function, b->function);
}

static bool may_be_merged(const struct ms_site *site) {
    return !site->foreign && site->user_depth != MS_NO_FRAME && site->user_depth > 0;
}

// Equal = one row.
static int compare_looks(const struct ms_summary *summary, const struct ms_site *a,
                         const struct ms_site *b) {
    if (a == b)
        return 0;
    if (!may_be_merged(a) || !may_be_merged(b))
        return may_be_merged(a) != may_be_merged(b) ? (may_be_merged(a) ? 1 : -1)
                                                    : compare_ids(a, b);
    uint32_t rest = ms_site_frame_count(a) - a->user_depth;
    int difference = compare_numbers(a->kind, b->kind);
    if (difference == 0)
        difference = compare_numbers(rest, ms_site_frame_count(b) - b->user_depth);
    for (uint32_t i = 0; i < rest && difference == 0; i++) {
        struct ms_frame x = ms_site_frame(summary, a, a->user_depth + i);
        struct ms_frame y = ms_site_frame(summary, b, b->user_depth + i);
        difference = compare_frames(&x, &y, i > 0);
    }
    return difference;
}

bool ms_sites_look_alike(const struct ms_summary *summary, const struct ms_site *a,
                         const struct ms_site *b) {
    return compare_looks(summary, a, b) == 0;
}

static int compare_sites(const void *left, const void *right, void *summary) {
    const struct ms_site *a = *(const struct ms_site *const *)left;
    const struct ms_site *b = *(const struct ms_site *const *)right;
    return compare_looks(summary, a, b);
}

static int compare_contents(const void *left, const void *right, void *by) {
    const struct ms_site *a = *(const struct ms_site *const *)left;
    const struct ms_site *b = *(const struct ms_site *const *)right;
    enum ms_by key = *(const enum ms_by *)by;
    int difference = 0;
    if (key == MS_BY_CONTAINER || key == MS_BY_KIND)
        difference = compare_texts(a->container, b->container);
    if (difference == 0 && key == MS_BY_VARIABLE)
        difference = compare_texts(a->variable_name, b->variable_name);
    if (difference == 0 && key != MS_BY_CONTAINER)
        difference = compare_texts(a->type_name, b->type_name);
    if (difference == 0 && key != MS_BY_CONTAINER)
        difference = compare_numbers(a->type_bytes, b->type_bytes);
    return difference;
}

bool ms_sites_are_alike_by(const struct ms_site *a, const struct ms_site *b, enum ms_by by) {
    return compare_contents(&a, &b, &by) == 0;
}

static int compare_rows(const void *left, const void *right, void *order) {
    const struct ms_row *a = left, *b = right;
    int difference = compare_counts(&a->counts, &b->counts, *(enum ms_order *)order);
    return difference ? difference : compare_ids(a->site, b->site);
}

// Rows of the sites that are equal by `compare`, which qsort_r takes, too.
static memscope_status make_rows(const struct ms_summary *summary,
                                 int (*compare)(const void *, const void *, void *), void *context,
                                 enum ms_order order, struct ms_row *rows_out, size_t *count_out) {
    size_t count = summary->site_count, row_count = 0;
    const struct ms_site **sites = calloc(count + 1, sizeof *sites);
    if (!sites)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++)
        sites[i] = &summary->sites[i];
    qsort_r(sites, count, sizeof *sites, compare, context);
    for (size_t i = 0; i < count;) {
        struct ms_row row = {.site = sites[i]};
        struct ms_peak_bounds bounds = {0};
        while (i < count && compare(&row.site, &sites[i], context) == 0) {
            ms_counts_add(&row.counts, &sites[i]->counts, &bounds);
            if (compare_ids(sites[i], row.site) < 0)
                row.site = sites[i];
            row.site_count++;
            i++;
        }
        if (row.site_count == 1)
            row.counts = row.site->counts;
        else
            ms_counts_bound_peak(&row.counts, &bounds);
        rows_out[row_count++] = row;
    }
    qsort_r(rows_out, row_count, sizeof *rows_out, compare_rows, &order);
    *count_out = row_count;
    free(sites);
    return MEMSCOPE_OK;
}

memscope_status ms_summary_rows(const struct ms_summary *summary, enum ms_order order,
                                struct ms_row *rows_out, size_t *count_out) {
    return make_rows(summary, compare_sites, (void *)summary, order, rows_out, count_out);
}

memscope_status ms_summary_rows_by(const struct ms_summary *summary, enum ms_by by,
                                   enum ms_order order, struct ms_row *rows_out,
                                   size_t *count_out) {
    return make_rows(summary, compare_contents, &by, order, rows_out, count_out);
}
