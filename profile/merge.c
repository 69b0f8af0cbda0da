// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which records mean the same: strings by content, modules by build id, sites by place. All by
// sorting, so that no profile, however odd, costs more than n log n.

#define _GNU_SOURCE // qsort_r
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static int order_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_strings(const void *left, const void *right, void *context) {
    const struct ms_profile *profile = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const struct memscope_string_record *x = (const void *)ms_at(profile, a);
    const struct memscope_string_record *y = (const void *)ms_at(profile, b);
    if (x->length != y->length)
        return order_numbers(x->length, y->length);
    int difference = memcmp(x->text, y->text, x->length);
    return difference ? difference : order_numbers(a, b);
}

struct module_context {
    const struct ms_profile *profile;
    const uint32_t *canonical;
};

static int compare_module_identity(const struct module_context *context, uint32_t a, uint32_t b) {
    const struct memscope_module_record *x = (const void *)ms_at(context->profile, a);
    const struct memscope_module_record *y = (const void *)ms_at(context->profile, b);
    if (x->build_id_length != y->build_id_length)
        return order_numbers(x->build_id_length, y->build_id_length);
    if (x->build_id_length > 0)
        return memcmp(x->build_id, y->build_id, x->build_id_length);
    uint32_t p = ms_unit_of(context->profile, x->path_ref, MEMSCOPE_RECORD_STRING);
    uint32_t q = ms_unit_of(context->profile, y->path_ref, MEMSCOPE_RECORD_STRING);
    return order_numbers(context->canonical[p], context->canonical[q]);
}

static int compare_modules(const void *left, const void *right, void *context) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int difference = compare_module_identity(context, a, b);
    return difference ? difference : order_numbers(a, b);
}

// The units at which records of `type` begin. NULL = out of memory.
static uint32_t *list_units(const struct ms_profile *profile, uint8_t type, size_t *count_out) {
    size_t count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        count += profile->types[unit] == type;
    uint32_t *units = malloc((count + 1) * sizeof *units);
    if (!units)
        return NULL;
    size_t at = 0;
    for (uint32_t unit = MS_FIRST_UNIT; at < count; unit++)
        if (profile->types[unit] == type)
            units[at++] = unit;
    *count_out = count;
    return units;
}

static bool same_string(const struct ms_profile *profile, uint32_t a, uint32_t b) {
    const struct memscope_string_record *x = (const void *)ms_at(profile, a);
    const struct memscope_string_record *y = (const void *)ms_at(profile, b);
    return x->length == y->length && memcmp(x->text, y->text, x->length) == 0;
}

uint32_t *ms_canonical_units(const struct ms_profile *profile) {
    uint32_t *canonical = calloc((size_t)profile->end_unit + 1, sizeof *canonical);
    size_t strings = 0, modules = 0;
    uint32_t *string_units = list_units(profile, MEMSCOPE_RECORD_STRING, &strings);
    uint32_t *module_units = list_units(profile, MEMSCOPE_RECORD_MODULE, &modules);
    if (!canonical || !string_units || !module_units) {
        free(canonical);
        canonical = NULL;
        goto cleanup;
    }
    qsort_r(string_units, strings, sizeof *string_units, compare_strings, (void *)profile);
    for (size_t i = 0; i < strings; i++)
        canonical[string_units[i]] =
            i > 0 && same_string(profile, string_units[i - 1], string_units[i])
                ? canonical[string_units[i - 1]]
                : string_units[i];
    struct module_context context = {profile, canonical};
    qsort_r(module_units, modules, sizeof *module_units, compare_modules, &context);
    for (size_t i = 0; i < modules; i++)
        canonical[module_units[i]] =
            i > 0 && compare_module_identity(&context, module_units[i - 1], module_units[i]) == 0
                ? canonical[module_units[i - 1]]
                : module_units[i];
cleanup:
    free(string_units);
    free(module_units);
    return canonical;
}

static int compare_frames(const struct module_context *context,
                          const struct memscope_site_record *x,
                          const struct memscope_site_record *y) {
    if (x->inlined_count != y->inlined_count)
        return order_numbers(x->inlined_count, y->inlined_count);
    for (uint32_t i = 0; i < x->inlined_count; i++) {
        const struct memscope_profile_frame *p = &x->inlined[i], *q = &y->inlined[i];
        uint32_t pairs[4][2] = {{p->function_ref, q->function_ref},
                                {p->file_ref, q->file_ref},
                                {p->line, q->line},
                                {p->column, q->column}};
        for (int k = 0; k < 2; k++)
            for (int side = 0; side < 2; side++)
                pairs[k][side] = context->canonical[ms_unit_of(context->profile, pairs[k][side],
                                                               MEMSCOPE_RECORD_STRING)];
        for (int k = 0; k < 4; k++)
            if (pairs[k][0] != pairs[k][1])
                return order_numbers(pairs[k][0], pairs[k][1]);
    }
    return 0;
}

static bool is_foreign(const struct memscope_site_record *site) {
    return (site->record.flags & MEMSCOPE_SITE_FLAG_FOREIGN) != 0;
}

static int compare_places(const struct module_context *context, const struct ms_site_key *a,
                          const struct ms_site_key *b) {
    const struct memscope_site_record *x = (const void *)ms_at(context->profile, a->unit);
    const struct memscope_site_record *y = (const void *)ms_at(context->profile, b->unit);
    int difference = order_numbers(is_foreign(x), is_foreign(y));
    if (difference == 0)
        difference = order_numbers(x->kind, y->kind);
    if (difference != 0)
        return difference;
    if (is_foreign(x)) {
        difference = order_numbers(a->module, b->module);
        return difference ? difference : order_numbers(x->module_offset, y->module_offset);
    }
    const uint32_t pairs[][2] = {
        {a->file, b->file}, {x->line, y->line}, {x->column, y->column}, {a->function, b->function}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] != pairs[i][1])
            return order_numbers(pairs[i][0], pairs[i][1]);
    return compare_frames(context, x, y);
}

static int compare_keys(const void *left, const void *right, void *context) {
    const struct ms_site_key *a = left, *b = right;
    int difference = compare_places(context, a, b);
    return difference ? difference : order_numbers(a->unit, b->unit);
}

void ms_sort_sites(const struct ms_profile *profile, const uint32_t *canonical,
                   struct ms_site_key *keys, size_t count) {
    struct module_context context = {profile, canonical};
    for (size_t i = 0; i < count; i++) {
        const struct memscope_site_record *site = (const void *)ms_at(profile, keys[i].unit);
        keys[i].function =
            canonical[ms_unit_of(profile, site->function_ref, MEMSCOPE_RECORD_STRING)];
        keys[i].file = canonical[ms_unit_of(profile, site->file_ref, MEMSCOPE_RECORD_STRING)];
        keys[i].module = canonical[ms_unit_of(profile, site->module_ref, MEMSCOPE_RECORD_MODULE)];
    }
    qsort_r(keys, count, sizeof *keys, compare_keys, &context);
}

bool ms_same_site(const struct ms_profile *profile, const uint32_t *canonical,
                  const struct ms_site_key *a, const struct ms_site_key *b) {
    struct module_context context = {profile, canonical};
    return compare_places(&context, a, b) == 0;
}
