// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks and classes from most to least, and the names of what the format numbers.

#define _GNU_SOURCE // qsort_r
#include "tasks.h"

#include <stdlib.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

uint64_t ms_task_weight(const struct ms_task *task, enum ms_task_order order) {
    switch (order) {
    case MS_TASKS_BY_LIVE:
        return task->live_bytes;
    case MS_TASKS_BY_PEAK:
        return task->peak_bytes;
    case MS_TASKS_BY_TOTAL:
        return task->bytes;
    case MS_TASKS_BY_CALLS:
        return task->allocations;
    case MS_TASKS_BY_OUTLIVED:
        return ms_task_outlived_bytes(task);
    case MS_TASKS_BY_RESUMES:
        return task->resumes;
    case MS_TASKS_BY_AGE:
        return UINT64_MAX - task->created_ns;
    case MS_TASKS_BY_COUNT:
        return 1;
    }
    return 0;
}

static uint64_t class_weight(const struct ms_task_class *task_class, enum ms_task_order order) {
    switch (order) {
    case MS_TASKS_BY_LIVE:
        return task_class->counts.live_bytes;
    case MS_TASKS_BY_PEAK:
        return task_class->largest_peak_bytes;
    case MS_TASKS_BY_TOTAL:
        return task_class->counts.bytes;
    case MS_TASKS_BY_CALLS:
        return task_class->counts.allocations;
    case MS_TASKS_BY_OUTLIVED:
        return task_class->measures[MEMSCOPE_MEASURE_OUTLIVED].sum;
    case MS_TASKS_BY_RESUMES:
        return task_class->resumes;
    case MS_TASKS_BY_AGE:
        return 0;
    case MS_TASKS_BY_COUNT:
        return task_class->started;
    }
    return 0;
}

// Ties go to what lives, then (of classes) to what was alive at the process's peak, then to what
// was asked for, then to the one that came first.
static const enum ms_task_order ties[] = {MS_TASKS_BY_LIVE, MS_TASKS_BY_TOTAL};

static int compare_tasks(const void *left, const void *right, void *order) {
    const struct ms_task *a = *(const struct ms_task *const *)left;
    const struct ms_task *b = *(const struct ms_task *const *)right;
    uint64_t x = ms_task_weight(a, *(enum ms_task_order *)order);
    uint64_t y = ms_task_weight(b, *(enum ms_task_order *)order);
    for (size_t i = 0; x == y && i < LENGTH(ties); i++) {
        x = ms_task_weight(a, ties[i]);
        y = ms_task_weight(b, ties[i]);
    }
    if (x != y)
        return x > y ? -1 : 1;
    return (a > b) - (a < b);
}

static int compare_classes(const void *left, const void *right, void *order) {
    const struct ms_task_class *a = *(const struct ms_task_class *const *)left;
    const struct ms_task_class *b = *(const struct ms_task_class *const *)right;
    uint64_t x = class_weight(a, *(enum ms_task_order *)order);
    uint64_t y = class_weight(b, *(enum ms_task_order *)order);
    if (x == y) {
        x = a->counts.live_bytes;
        y = b->counts.live_bytes;
    }
    if (x == y) {
        x = a->counts.at_peak_bytes;
        y = b->counts.at_peak_bytes;
    }
    if (x == y) {
        x = a->counts.bytes;
        y = b->counts.bytes;
    }
    if (x != y)
        return x > y ? -1 : 1;
    return (a > b) - (a < b);
}

void ms_tasks_sort(const struct ms_task **tasks, size_t count, enum ms_task_order order) {
    qsort_r(tasks, count, sizeof *tasks, compare_tasks, &order);
}

void ms_task_classes_sort(const struct ms_task_class **classes, size_t count,
                          enum ms_task_order order) {
    qsort_r(classes, count, sizeof *classes, compare_classes, &order);
}

// --- names -------------------------------------------------------------------------------------

const char *ms_task_order_name(enum ms_task_order order) {
    static const char *const names[] = {
        [MS_TASKS_BY_LIVE] = "live",         [MS_TASKS_BY_PEAK] = "peak",
        [MS_TASKS_BY_TOTAL] = "total",       [MS_TASKS_BY_CALLS] = "calls",
        [MS_TASKS_BY_OUTLIVED] = "outlived", [MS_TASKS_BY_RESUMES] = "resumes",
        [MS_TASKS_BY_AGE] = "age",           [MS_TASKS_BY_COUNT] = "count",
    };
    return (unsigned)order < LENGTH(names) ? names[order] : NULL;
}

const char *ms_task_kind_name(uint32_t kind) {
    static const char *const names[] = {
        [MEMSCOPE_TASK_THREAD] = "thread",
        [MEMSCOPE_TASK_COROUTINE] = "coroutine",
        [MEMSCOPE_TASK_FIBER] = "fiber",
        [MEMSCOPE_TASK_SCOPE] = "scope",
    };
    return kind < LENGTH(names) ? names[kind] : "unknown";
}

const char *ms_task_state_name(uint32_t state) {
    static const char *const names[] = {
        [MEMSCOPE_TASK_FREE] = "unknown",      [MEMSCOPE_TASK_CREATED] = "created",
        [MEMSCOPE_TASK_RUNNING] = "running",   [MEMSCOPE_TASK_SUSPENDED] = "suspended",
        [MEMSCOPE_TASK_OUTLIVED] = "outlived", [MEMSCOPE_TASK_KEPT] = "ended",
    };
    return state < LENGTH(names) ? names[state] : "unknown";
}

const char *ms_task_edge_name(uint32_t edge) {
    static const char *const names[] = {
        [MEMSCOPE_EDGE_ROOT] = "root",
        [MEMSCOPE_EDGE_SPAWN] = "spawned",
        [MEMSCOPE_EDGE_AWAIT] = "awaits",
    };
    return edge < LENGTH(names) ? names[edge] : "unknown";
}
