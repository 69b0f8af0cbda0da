// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks as text: the tables of classes, of tasks alive and of transfers.

#include "tasks_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"

#define CLASSES_IN_SUMMARY 5
#define BOLD "\033[1m"
#define WARN "\033[33m"
#define PLAIN "\033[0m"

// --- the first lines ---------------------------------------------------------------------------

static void put_numbers_of_tasks(FILE *out, const struct ms_summary *summary) {
    const struct ms_tasks *tasks = summary->tasks;
    char started[MS_NUMBER_BYTES], alive[MS_NUMBER_BYTES];
    fprintf(out, "tasks: %s started, %s alive  ", ms_format_count(tasks->started, started),
            ms_format_count(tasks->alive, alive));
    ms_put_environment(out, summary);
    fputc('\n', out);
}

// What does not add up, where nothing moves any more.
static void put_check(FILE *out, const struct ms_summary *summary, bool colour) {
    const struct ms_tasks *tasks = summary->tasks;
    uint64_t bytes = 0, task_bytes = 0;
    size_t wrong = 0;
    char one[MS_NUMBER_BYTES], two[MS_NUMBER_BYTES];
    if (ms_profile_process_state(summary->profile) == MS_PROCESS_RUNNING)
        return;
    for (size_t i = 0; i < tasks->class_count; i++) {
        const struct ms_task_class *one_class = &tasks->classes[i];
        if (one_class->task_bytes == one_class->counts.bytes &&
            one_class->task_live_bytes == one_class->counts.live_bytes)
            continue;
        wrong++;
        bytes += one_class->counts.bytes;
        task_bytes += one_class->task_bytes;
    }
    if (wrong > 0)
        fprintf(
            out,
            "%snot added up: %zu task class%s with %s B by their sites, %s B by their tasks%s\n",
            colour ? WARN : "", wrong, wrong == 1 ? "" : "es", ms_format_count(bytes, one),
            ms_format_count(task_bytes, two), colour ? PLAIN : "");
    if (tasks->cycles > 0)
        fprintf(out, "%s%s tasks had parents in a circle: shown without%s\n", colour ? WARN : "",
                ms_format_count(tasks->cycles, one), colour ? PLAIN : "");
}

// --- classes -----------------------------------------------------------------------------------

static void add_class(struct ms_task_class *into, const struct ms_task_class *one) {
    const char *library = ms_plumbing_library(one);
    into->name = into->id == 0 || strcmp(into->name, library) == 0 ? library : "libraries";
    into->id++;
    into->started += one->started;
    into->ended += one->ended;
    into->alive += one->alive;
    into->counts.allocations += one->counts.allocations;
    into->counts.bytes += one->counts.bytes;
    into->counts.live_bytes += one->counts.live_bytes;
    into->counts.at_peak_bytes += one->counts.at_peak_bytes;
    for (size_t i = 0; i < MEMSCOPE_MEASURES; i++) {
        into->measures[i].sum += one->measures[i].sum;
        if (into->measures[i].max < one->measures[i].max)
            into->measures[i].max = one->measures[i].max;
    }
}

const struct ms_task_class **ms_chosen_classes(const struct ms_tasks *tasks,
                                               enum ms_task_order order, bool all,
                                               size_t *count_out, struct ms_task_class *own_out) {
    const struct ms_task_class **list = malloc((tasks->class_count + 1) * sizeof *list);
    *count_out = 0;
    *own_out = (struct ms_task_class){0};
    for (size_t i = 0; list && i < tasks->class_count; i++) {
        if (all || !ms_plumbing_library(&tasks->classes[i]))
            list[(*count_out)++] = &tasks->classes[i];
        else
            add_class(own_out, &tasks->classes[i]);
    }
    if (list)
        ms_task_classes_sort(list, *count_out, order);
    return list;
}

static const char *measure(const struct ms_task_class *task_class, uint64_t value,
                           char text_out[MS_NUMBER_BYTES]) {
    return task_class->ended ? ms_format_bytes(value, text_out) : "-";
}

memscope_status ms_put_task_classes(FILE *out, const struct ms_summary *summary,
                                    const struct ms_report_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    if (!ms_has_tasks(tasks))
        return MEMSCOPE_OK;
    size_t count;
    struct ms_task_class own;
    const struct ms_task_class **list =
        ms_chosen_classes(tasks, MS_TASKS_BY_LIVE, false, &count, &own);
    if (!list)
        return MEMSCOPE_OUT_OF_MEMORY;
    memscope_status status = MEMSCOPE_OK;
    put_numbers_of_tasks(out, summary);
    fprintf(out, "%s%11s  %11s  %11s  %12s  %12s  %s%s\n", options->colour ? BOLD : "", "LIVE",
            "AT PEAK", "P99 TOTAL", "ALIVE", "STARTED", "TASK  (SPAWNED AT)",
            options->colour ? PLAIN : "");
    for (size_t i = 0; i < count && i < CLASSES_IN_SUMMARY && status == MEMSCOPE_OK; i++) {
        const struct ms_distribution *total = &list[i]->measures[MEMSCOPE_MEASURE_TOTAL];
        char text[5][MS_NUMBER_BYTES];
        struct ms_line line;
        FILE *stream = ms_line_begin(&line);
        if (stream) {
            fprintf(stream, "%11s  %11s  %11s  %12s  %12s  ",
                    ms_format_bytes(list[i]->counts.live_bytes, text[0]),
                    ms_format_bytes(list[i]->counts.at_peak_bytes, text[1]),
                    measure(list[i], total->p99, text[2]), ms_format_count(list[i]->alive, text[3]),
                    ms_format_count(list[i]->started, text[4]));
            ms_put_class_and_place(stream, summary, list[i]);
        }
        status = ms_line_end(&line, out, options->width);
    }
    if (count > CLASSES_IN_SUMMARY)
        fprintf(out, "… %zu more (memscope tasks --by-class shows all)\n",
                count - CLASSES_IN_SUMMARY);
    put_check(out, summary, options->colour);
    free(list);
    return status;
}

// One number where the median is the maximum already.
static void put_distribution(FILE *out, const char *name, const struct ms_distribution *values) {
    char text[4][MS_NUMBER_BYTES];
    fprintf(out, "  %s %s", name, ms_format_bytes(values->p50, text[0]));
    if (values->p50 != values->max)
        fprintf(out, " %s %s max %s", ms_format_bytes(values->p90, text[1]),
                ms_format_bytes(values->p99, text[2]), ms_format_bytes(values->max, text[3]));
}

#define CLASS_ROW "%11s  %11s  %11s  %11s  %12s  %12s  %12s  "

static void put_class_numbers(FILE *out, const struct ms_counts *counts, const char *outlived,
                              const char *alive, const char *started) {
    char text[4][MS_NUMBER_BYTES];
    fprintf(out, CLASS_ROW, ms_format_bytes(counts->live_bytes, text[0]),
            ms_format_bytes(counts->at_peak_bytes, text[3]), outlived,
            ms_format_bytes(counts->bytes, text[1]), ms_format_count(counts->allocations, text[2]),
            alive, started);
}

static memscope_status put_class_row(FILE *out, const struct ms_summary *summary,
                                     const struct ms_task_class *one, unsigned width) {
    char outlived[MS_NUMBER_BYTES], alive[MS_NUMBER_BYTES], started[MS_NUMBER_BYTES];
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (stream) {
        put_class_numbers(stream, &one->counts,
                          ms_format_bytes(one->measures[MEMSCOPE_MEASURE_OUTLIVED].sum, outlived),
                          ms_format_count(one->alive, alive),
                          ms_format_count(one->started, started));
        ms_put_class_and_place(stream, summary, one);
        if (one->elided)
            fprintf(stream, "  %s elided", ms_format_count(one->elided, alive));
        if (one->in_flight)
            fprintf(stream, "  %s ending just then", ms_format_count(one->in_flight, alive));
    }
    memscope_status status = ms_line_end(&line, out, width);
    if (status != MEMSCOPE_OK || one->ended == 0)
        return status;
    stream = ms_line_begin(&line);
    if (stream) {
        fputs("            a task, p50 p90 p99:", stream);
        put_distribution(stream, "total", &one->measures[MEMSCOPE_MEASURE_TOTAL]);
        put_distribution(stream, " peak", &one->measures[MEMSCOPE_MEASURE_PEAK]);
        if (one->measures[MEMSCOPE_MEASURE_OUTLIVED].max > 0)
            put_distribution(stream, " outlived", &one->measures[MEMSCOPE_MEASURE_OUTLIVED]);
    }
    return ms_line_end(&line, out, width);
}

static void put_own_classes(FILE *out, const struct ms_task_class *own) {
    char outlived[MS_NUMBER_BYTES], alive[MS_NUMBER_BYTES], started[MS_NUMBER_BYTES];
    put_class_numbers(out, &own->counts,
                      ms_format_bytes(own->measures[MEMSCOPE_MEASURE_OUTLIVED].sum, outlived),
                      ms_format_count(own->alive, alive), ms_format_count(own->started, started));
    fprintf(out, "%s: %" PRIu32 " coroutine%s of its own (--all shows them)\n", own->name, own->id,
            own->id == 1 ? "" : "s");
}

// The rest of the process: what the threads hold themselves.
static void put_class_sums(FILE *out, const struct ms_summary *summary) {
    const struct ms_tasks *tasks = summary->tasks;
    struct ms_counts roots = {.at_peak_bytes = summary->total.at_peak_bytes};
    for (size_t i = 0; i < tasks->root_count; i++) {
        roots.allocations += tasks->tasks[i].allocations;
        roots.bytes += tasks->tasks[i].bytes;
        roots.live_bytes += tasks->tasks[i].live_bytes;
    }
    // What no other party had.
    roots.at_peak_bytes -= tasks->unowned.at_peak_bytes;
    for (size_t i = 0; i < tasks->class_count; i++)
        roots.at_peak_bytes -= tasks->classes[i].counts.at_peak_bytes;
    put_class_numbers(out, &roots, "", "", "");
    fprintf(out, "%zu thread%s outside of tasks\n", tasks->root_count,
            tasks->root_count == 1 ? "" : "s");
    if (tasks->unowned.allocations > 0) {
        put_class_numbers(out, &tasks->unowned, "", "", "");
        fputs("of no thread (no room, or inside a hook)\n", out);
    }
    put_class_numbers(out, &summary->total, "", "", "");
    fputs("all: the process\n", out);
}

static memscope_status put_classes(FILE *out, const struct ms_summary *summary,
                                   const struct ms_tasks_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    size_t count;
    struct ms_task_class own;
    const struct ms_task_class **list =
        ms_chosen_classes(tasks, options->order, options->all, &count, &own);
    if (!list)
        return MEMSCOPE_OUT_OF_MEMORY;
    size_t shown = options->top > 0 && options->top < count ? options->top : count;
    memscope_status status = MEMSCOPE_OK;
    fprintf(out, "%s" CLASS_ROW "%s%s\n", options->colour ? BOLD : "", "LIVE", "AT PEAK",
            "OUTLIVED", "TOTAL", "CALLS", "ALIVE", "STARTED", "TASK  (SPAWNED AT)",
            options->colour ? PLAIN : "");
    for (size_t i = 0; i < shown && status == MEMSCOPE_OK; i++)
        status = put_class_row(out, summary, list[i], options->width);
    if (shown < count)
        fprintf(out, "… %zu more (--top 0 shows all)\n", count - shown);
    if (own.id > 0)
        put_own_classes(out, &own);
    put_class_sums(out, summary);
    free(list);
    return status;
}

// --- tasks alive -------------------------------------------------------------------------------

static memscope_status put_live_row(FILE *out, const struct ms_summary *summary,
                                    const struct ms_task *task, unsigned width) {
    char text[5][MS_NUMBER_BYTES];
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (stream) {
        uint64_t zero_ns = ms_profile_header(summary->profile)->start_monotonic_ns;
        uint64_t created_ns = task->created_ns > zero_ns ? task->created_ns - zero_ns : 0;
        fprintf(stream, "%11s  %11s  %11s  %12s  %12s  %-9s  ",
                ms_format_bytes(task->live_bytes, text[0]),
                ms_format_bytes(task->peak_bytes, text[1]), ms_format_bytes(task->bytes, text[2]),
                ms_format_count(task->resumes, text[3]), ms_format_duration(created_ns, text[4]),
                ms_task_state_name(task->state));
        ms_put_task(stream, summary, task);
    }
    return ms_line_end(&line, out, width);
}

static memscope_status put_live(FILE *out, const struct ms_summary *summary,
                                const struct ms_tasks_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    const struct ms_task **list = malloc((tasks->task_count + 1) * sizeof *list);
    if (!list)
        return MEMSCOPE_OUT_OF_MEMORY;
    size_t count = 0, own = 0, shown;
    uint64_t own_live_bytes = 0;
    for (size_t i = 0; i < tasks->task_count; i++) {
        const struct ms_task *task = &tasks->tasks[i];
        if (!ms_tasks_view_has(MS_TASKS_LIVE, task))
            continue;
        if (options->all || !ms_plumbing_library(task->task_class)) {
            list[count++] = task;
        } else {
            own++;
            own_live_bytes += task->live_bytes;
        }
    }
    ms_tasks_sort(list, count, options->order);
    shown = options->top > 0 && options->top < count ? options->top : count;
    memscope_status status = MEMSCOPE_OK;
    fprintf(out, "%s%11s  %11s  %11s  %12s  %12s  %-9s  %s%s\n", options->colour ? BOLD : "",
            "LIVE", "PEAK", "TOTAL", "RESUMES", "SINCE", "STATE", "TASK  (SPAWNED AT)",
            options->colour ? PLAIN : "");
    for (size_t i = 0; i < shown && status == MEMSCOPE_OK; i++)
        status = put_live_row(out, summary, list[i], options->width);
    if (shown < count)
        fprintf(out, "… %zu more (--top 0 shows all)\n", count - shown);
    if (own > 0) {
        char text[2][MS_NUMBER_BYTES];
        fprintf(out, "%s libraries' own, live %s (--all shows them)\n",
                ms_format_count(own, text[0]), ms_format_bytes(own_live_bytes, text[1]));
    } else if (count == 0) {
        fputs("no task is alive\n", out);
    }
    free(list);
    return status;
}

// --- transfers ---------------------------------------------------------------------------------

static memscope_status put_transfers(FILE *out, const struct ms_summary *summary,
                                     const struct ms_tasks_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    size_t count = tasks->transfer_count;
    size_t shown = options->top > 0 && options->top < count ? options->top : count;
    memscope_status status = MEMSCOPE_OK;
    fprintf(out, "%s%11s  %12s  %11s  %s%s\n", options->colour ? BOLD : "", "BYTES", "BLOCKS",
            "AFTER END", "ALLOCATED BY → FREED BY", options->colour ? PLAIN : "");
    for (size_t i = 0; i < shown && status == MEMSCOPE_OK; i++) {
        const struct ms_transfer *transfer = &tasks->transfers[i];
        char text[3][MS_NUMBER_BYTES];
        struct ms_line line;
        FILE *stream = ms_line_begin(&line);
        if (stream) {
            fprintf(stream, "%11s  %12s  %11s  ", ms_format_bytes(transfer->bytes, text[0]),
                    ms_format_count(transfer->blocks, text[1]),
                    ms_format_bytes(transfer->bytes_after_end, text[2]));
            ms_put_party(stream, summary, &transfer->from);
            fputs(" → ", stream);
            ms_put_party(stream, summary, &transfer->to);
        }
        status = ms_line_end(&line, out, options->width);
    }
    if (shown < count)
        fprintf(out, "… %zu more (--top 0 shows all)\n", count - shown);
    if (count == 0)
        fputs("no task freed what another had allocated\n", out);
    return status;
}

memscope_status ms_report_tasks(const struct ms_summary *summary,
                                const struct ms_tasks_options *options, FILE *out) {
    static memscope_status (*const views[])(FILE *, const struct ms_summary *,
                                            const struct ms_tasks_options *) = {
        [MS_TASKS_TREE] = ms_put_task_tree,   [MS_TASKS_CLASSES] = put_classes,
        [MS_TASKS_LIVE] = put_live,           [MS_TASKS_OUTLIVED] = ms_put_outlived,
        [MS_TASKS_TRANSFERS] = put_transfers,
    };
    put_numbers_of_tasks(out, summary);
    memscope_status status = views[options->view](out, summary, options);
    put_check(out, summary, options->colour);
    if (ms_sites_are_estimated(summary))
        fputs("sites are estimated from samples; what threads and tasks have is exact\n", out);
    if (options->status)
        fprintf(out, "%sincomplete: %s%s\n", options->colour ? WARN : "", options->status,
                options->colour ? PLAIN : "");
    return status;
}
