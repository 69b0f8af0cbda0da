// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Task classes: equal ones merged, and what their ended tasks were like (the folds).

#define _GNU_SOURCE // qsort_r
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct ms_frame ms_task_class_frame(const struct ms_summary *summary,
                                    const struct ms_task_class *task_class) {
    const struct ms_site *entry = task_class ? task_class->entry_site : NULL;
    uint32_t depth = entry ? ms_site_shown_depth(entry) : MS_NO_FRAME;
    if (depth != MS_NO_FRAME)
        return ms_site_frame(summary, entry, depth);
    if (!task_class)
        return (struct ms_frame){0};
    return (struct ms_frame){.function = task_class->function,
                             .file = task_class->file,
                             .line = task_class->line,
                             .column = task_class->column};
}

// --- merging -----------------------------------------------------------------------------------

struct class_key {
    uint32_t parts[8]; // equal classes have equal parts
    uint32_t unit;
};

static uint32_t text_number(const struct ms_task_work *work, uint32_t ref) {
    return work->canonical[ms_unit_of(work->profile, ref, MEMSCOPE_RECORD_STRING)];
}

static const char *text(const struct ms_task_work *work, uint32_t ref) {
    const char *string = ms_profile_string(work->profile, ref);
    return string && *string ? string : NULL;
}

static struct class_key key_of(const struct ms_task_work *work, uint32_t unit) {
    const struct memscope_task_class_record *record = (const void *)ms_at(work->profile, unit);
    size_t spawn = ms_place_of(work, record->spawn_site_ref, MEMSCOPE_RECORD_SITE);
    size_t entry = ms_place_of(work, record->entry_site_ref, MEMSCOPE_RECORD_SITE);
    return (struct class_key){{record->kind, text_number(work, record->function_ref),
                               text_number(work, record->file_ref), record->line, record->column,
                               text_number(work, record->name_ref), (uint32_t)spawn,
                               (uint32_t)entry},
                              unit};
}

static int compare_parts(const struct class_key *a, const struct class_key *b) {
    for (size_t i = 0; i < sizeof a->parts / sizeof *a->parts; i++)
        if (a->parts[i] != b->parts[i])
            return a->parts[i] < b->parts[i] ? -1 : 1;
    return 0;
}

static int compare_keys(const void *left, const void *right) {
    const struct class_key *a = left, *b = right;
    int difference = compare_parts(a, b);
    return difference ? difference : (a->unit > b->unit) - (a->unit < b->unit);
}

static struct ms_task_class make_class(const struct ms_task_work *work, uint32_t unit) {
    const struct memscope_task_class_record *record = (const void *)ms_at(work->profile, unit);
    size_t spawn = ms_place_of(work, record->spawn_site_ref, MEMSCOPE_RECORD_SITE);
    size_t entry = ms_place_of(work, record->entry_site_ref, MEMSCOPE_RECORD_SITE);
    uint32_t file = ms_unit_of(work->profile, record->file_ref, MEMSCOPE_RECORD_STRING);
    return (struct ms_task_class){
        .id = work->profile->header.ref_base + unit,
        .kind = record->kind,
        .function = text(work, record->function_ref),
        .file = file ? text(work, work->profile->header.ref_base + work->canonical[file]) : NULL,
        .name = text(work, record->name_ref),
        .promise_type = text(work, record->promise_type_ref),
        .line = record->line,
        .column = record->column,
        .spawn_site = spawn ? &work->summary->sites[spawn - 1] : NULL,
        .entry_site = entry ? &work->summary->sites[entry - 1] : NULL,
    };
}

bool ms_take_task_classes(struct ms_task_work *work) {
    const struct ms_profile *profile = work->profile;
    size_t count = 0, at = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        count += profile->types[unit] == MEMSCOPE_RECORD_TASK_CLASS;
    struct class_key *keys = calloc(count + 1, sizeof *keys);
    work->tasks->classes = calloc(count + 1, sizeof *work->tasks->classes);
    if (!keys || !work->tasks->classes) {
        free(keys);
        return false;
    }
    for (uint32_t unit = MS_FIRST_UNIT; at < count; unit++)
        if (profile->types[unit] == MEMSCOPE_RECORD_TASK_CLASS)
            keys[at++] = key_of(work, unit);
    qsort(keys, count, sizeof *keys, compare_keys);
    // The first of equal ones stands for all: until the classes are made its unit is their place.
    for (size_t i = 0; i < count; i++)
        work->place[keys[i].unit] = i > 0 && compare_parts(&keys[i - 1], &keys[i]) == 0
                                        ? work->place[keys[i - 1].unit]
                                        : keys[i].unit;
    free(keys);
    // It comes before the others, so its place is an index by the time they look.
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        if (profile->types[unit] != MEMSCOPE_RECORD_TASK_CLASS)
            continue;
        if (work->place[unit] == unit) {
            work->tasks->classes[work->tasks->class_count++] = make_class(work, unit);
            work->place[unit] = (uint32_t)work->tasks->class_count;
        } else {
            work->place[unit] = work->place[work->place[unit]];
        }
    }
    return true;
}

// --- folds -------------------------------------------------------------------------------------

struct histogram {
    uint64_t counts[MEMSCOPE_MEASURES][MEMSCOPE_TASK_BUCKETS];
};

// The middle of the bucket that holds the task of this rank, the smallest first; nearest-rank.
static uint64_t percentile(const uint64_t counts[MEMSCOPE_TASK_BUCKETS], unsigned percent,
                           uint64_t max) {
    uint64_t whole = 0, below = 0;
    for (uint32_t i = 0; i < MEMSCOPE_TASK_BUCKETS; i++)
        whole = ms_add(whole, counts[i]);
    uint64_t rank = (uint64_t)(((unsigned __int128)whole * percent + 99) / 100);
    for (uint32_t i = 0; i < MEMSCOPE_TASK_BUCKETS && whole > 0; i++) {
        below = ms_add(below, counts[i]);
        if (below < rank)
            continue;
        uint64_t start = memscope_task_bucket_start(i);
        uint64_t width = memscope_task_bucket_start(i + 1) - start;
        uint64_t middle = start + (width - 1) / 2;
        return middle < max ? middle : max;
    }
    return 0;
}

static void add_fold(struct ms_task_class *task_class, struct histogram *histogram,
                     const struct memscope_task_fold_record *fold) {
    task_class->started = ms_add(task_class->started, fold->started);
    task_class->ended = ms_add(task_class->ended, fold->ended);
    task_class->elided = ms_add(task_class->elided, fold->elided);
    task_class->resumes = ms_add(task_class->resumes, fold->resumes);
    task_class->migrations = ms_add(task_class->migrations, fold->migrations);
    task_class->in_flight += fold->sequence & 1;
    for (int m = 0; m < MEMSCOPE_MEASURES; m++) {
        struct ms_distribution *measure = &task_class->measures[m];
        measure->sum = ms_add(measure->sum, fold->sum[m]);
        measure->max = ms_max(measure->max, fold->max[m]);
        for (uint32_t i = 0; i < MEMSCOPE_TASK_BUCKETS; i++)
            histogram->counts[m][i] = ms_add(histogram->counts[m][i], fold->histogram[m][i]);
    }
}

static void read_percentiles(struct ms_task_class *task_class, const struct histogram *histogram) {
    for (int m = 0; m < MEMSCOPE_MEASURES; m++) {
        struct ms_distribution *measure = &task_class->measures[m];
        if ((unsigned __int128)measure->max * task_class->ended == measure->sum) { // all are alike
            measure->p50 = measure->p90 = measure->p99 = measure->max;
            continue;
        }
        measure->p50 = percentile(histogram->counts[m], 50, measure->max);
        measure->p90 = percentile(histogram->counts[m], 90, measure->max);
        measure->p99 = percentile(histogram->counts[m], 99, measure->max);
    }
}

struct fold_key {
    uint32_t class_place, unit;
};

static int compare_folds(const void *left, const void *right) {
    const struct fold_key *a = left, *b = right;
    if (a->class_place != b->class_place)
        return a->class_place < b->class_place ? -1 : 1;
    return (a->unit > b->unit) - (a->unit < b->unit);
}

// Class by class, so that one histogram is enough however many classes a profile claims to have.
bool ms_take_task_folds(struct ms_task_work *work) {
    const struct ms_profile *profile = work->profile;
    size_t count = 0, at = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        count += profile->types[unit] == MEMSCOPE_RECORD_TASK_FOLD;
    struct fold_key *keys = calloc(count + 1, sizeof *keys);
    struct histogram *histogram = calloc(1, sizeof *histogram);
    if (!keys || !histogram) {
        free(keys);
        free(histogram);
        return false;
    }
    for (uint32_t unit = MS_FIRST_UNIT; at < count; unit++) {
        if (profile->types[unit] != MEMSCOPE_RECORD_TASK_FOLD)
            continue;
        const struct memscope_task_fold_record *fold = (const void *)ms_at(profile, unit);
        size_t place = ms_place_of(work, fold->class_ref, MEMSCOPE_RECORD_TASK_CLASS);
        keys[at++] = (struct fold_key){(uint32_t)place, unit};
    }
    qsort(keys, count, sizeof *keys, compare_folds);
    for (size_t i = 0; i < count;) {
        uint32_t place = keys[i].class_place;
        memset(histogram, 0, sizeof *histogram);
        struct ms_task_class ignored = {0};
        struct ms_task_class *task_class =
            place ? &work->tasks->classes[place - 1] : &ignored; // of a class that was cut off
        for (; i < count && keys[i].class_place == place; i++)
            add_fold(task_class, histogram, (const void *)ms_at(profile, keys[i].unit));
        read_percentiles(task_class, histogram);
        task_class->alive = ms_sub(task_class->started, task_class->ended);
    }
    free(keys);
    free(histogram);
    return true;
}
