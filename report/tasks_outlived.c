// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What outlived its task: who freed it and when, or that nobody did.

#include "tasks_report.h"

#include <inttypes.h>
#include <stdlib.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct context {
    const struct ms_summary *summary;
    const struct ms_tasks_options *options;
    FILE *out;
    const char *never;                    // "never freed"
    const struct ms_transfer **transfers; // by the class that allocated
};

static uint64_t add(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

// Blocks of ended tasks of each class that are alive.
struct left {
    uint64_t bytes, blocks;
};

static struct left *find_left(const struct ms_tasks *tasks) {
    struct left *left = calloc(tasks->class_count + 1, sizeof *left);
    for (size_t i = tasks->root_count; left && i < tasks->task_count; i++) {
        const struct ms_task *task = &tasks->tasks[i];
        if (!task->task_class || ms_task_is_alive(task))
            continue;
        struct left *of = &left[task->task_class - tasks->classes];
        of->bytes = add(of->bytes, task->live_bytes);
        of->blocks = add(of->blocks, task->live_blocks);
    }
    return left;
}

// The most bytes first, of one class.
static int compare_transfers(const void *left, const void *right) {
    const struct ms_transfer *a = *(const struct ms_transfer *const *)left;
    const struct ms_transfer *b = *(const struct ms_transfer *const *)right;
    if (a->from.task_class != b->from.task_class)
        return a->from.task_class < b->from.task_class ? -1 : 1;
    return (a > b) - (a < b);
}

static bool sort_transfers(struct context *context) {
    const struct ms_tasks *tasks = context->summary->tasks;
    context->transfers = malloc((tasks->transfer_count + 1) * sizeof *context->transfers);
    if (!context->transfers)
        return false;
    for (size_t i = 0; i < tasks->transfer_count; i++)
        context->transfers[i] = &tasks->transfers[i];
    qsort(context->transfers, tasks->transfer_count, sizeof *context->transfers, compare_transfers);
    return true;
}

static size_t first_transfer(const struct context *context,
                             const struct ms_task_class *task_class) {
    size_t low = 0, high = context->summary->tasks->transfer_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (context->transfers[middle]->from.task_class < task_class)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void put_share(FILE *out, uint64_t bytes) {
    char text[MS_NUMBER_BYTES];
    fprintf(out, "               %11s  ", ms_format_bytes(bytes, text));
}

static void put_shares(const struct context *context, const struct ms_task_class *task_class,
                       const struct left *left) {
    const struct ms_tasks *tasks = context->summary->tasks;
    FILE *out = context->out;
    uint64_t known = left->bytes;
    char text[MS_NUMBER_BYTES];
    for (size_t i = first_transfer(context, task_class);
         i < tasks->transfer_count && context->transfers[i]->from.task_class == task_class; i++) {
        const struct ms_transfer *transfer = context->transfers[i];
        if (transfer->blocks_after_end == 0)
            continue;
        put_share(out, transfer->bytes_after_end);
        fprintf(out, "in %s blocks freed by ", ms_format_count(transfer->blocks_after_end, text));
        ms_put_party(out, context->summary, &transfer->to);
        fputs(", the latest ", out);
        ms_put_after(out, context->summary, transfer->last_ns);
        fputc('\n', out);
        known = add(known, transfer->bytes_after_end);
    }
    if (left->blocks > 0 || left->bytes > 0) {
        put_share(out, left->bytes);
        fprintf(out, "in %s blocks %s\n", ms_format_count(left->blocks, text), context->never);
    }
    uint64_t outlived = task_class->measures[MEMSCOPE_MEASURE_OUTLIVED].sum;
    if (known < outlived) {
        put_share(out, outlived - known);
        fputs("freed by tasks of the same class\n", out);
    }
}

static memscope_status put_class(const struct context *context,
                                 const struct ms_task_class *task_class, const struct left *left) {
    char text[2][MS_NUMBER_BYTES];
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (stream) {
        fprintf(stream, "%11s  ",
                ms_format_bytes(task_class->measures[MEMSCOPE_MEASURE_OUTLIVED].sum, text[0]));
        ms_put_class_and_place(stream, context->summary, task_class);
        fprintf(stream, "  %s ended", ms_format_count(task_class->ended, text[1]));
    }
    memscope_status status = ms_line_end(&line, context->out, context->options->width);
    put_shares(context, task_class, left);
    return status;
}

static memscope_status put_classes(struct context *context, size_t *count_out) {
    const struct ms_tasks *tasks = context->summary->tasks;
    const struct ms_tasks_options *options = context->options;
    struct left *left = find_left(tasks);
    const struct ms_task_class **list = malloc((tasks->class_count + 1) * sizeof *list);
    memscope_status status =
        left && list && sort_transfers(context) ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
    size_t count = 0, shown;
    for (size_t i = 0; status == MEMSCOPE_OK && i < tasks->class_count; i++)
        if (tasks->classes[i].measures[MEMSCOPE_MEASURE_OUTLIVED].sum > 0 || left[i].bytes > 0)
            list[count++] = &tasks->classes[i];
    if (status == MEMSCOPE_OK)
        ms_task_classes_sort(list, count, MS_TASKS_BY_OUTLIVED);
    shown = options->top > 0 && options->top < count ? options->top : count;
    if (shown > 0)
        fprintf(context->out, "%s%11s  %s%s\n", options->colour ? BOLD : "", "OUTLIVED",
                "TASKS  (SPAWNED AT)", options->colour ? PLAIN : "");
    for (size_t i = 0; i < shown && status == MEMSCOPE_OK; i++)
        status = put_class(context, list[i], &left[list[i] - tasks->classes]);
    if (shown < count)
        fprintf(context->out, "… %zu more (--top 0 shows all)\n", count - shown);
    *count_out = count;
    free(context->transfers);
    free(left);
    free(list);
    return status;
}

static memscope_status put_task(const struct context *context, const struct ms_task *task) {
    char text[3][MS_NUMBER_BYTES];
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (stream) {
        fprintf(stream, "%11s  %11s  ", ms_format_bytes(ms_task_outlived_bytes(task), text[0]),
                ms_format_bytes(task->live_bytes, text[1]));
        ms_put_task(stream, context->summary, task);
        fputs("  ended ", stream);
        ms_put_after(stream, context->summary, task->ended_ns);
        if (task->live_blocks > 0)
            fprintf(stream, ", %s block%s %s", ms_format_count(task->live_blocks, text[2]),
                    task->live_blocks == 1 ? "" : "s", context->never);
        else
            fputs(", all freed since", stream);
    }
    return ms_line_end(&line, context->out, context->options->width);
}

memscope_status ms_put_outlived(FILE *out, const struct ms_summary *summary,
                                const struct ms_tasks_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    bool runs = ms_profile_process_state(summary->profile) == MS_PROCESS_RUNNING;
    struct context context = {summary, options, out, runs ? "not freed yet" : "never freed", NULL};
    size_t classes = 0, count = 0, shown;
    memscope_status status = put_classes(&context, &classes);
    const struct ms_task **list = malloc((tasks->task_count + 1) * sizeof *list);
    if (!list)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < tasks->task_count; i++)
        if (ms_tasks_view_has(MS_TASKS_OUTLIVED, &tasks->tasks[i]))
            list[count++] = &tasks->tasks[i];
    ms_tasks_sort(list, count, options->order);
    shown = options->top > 0 && options->top < count ? options->top : count;
    if (shown > 0)
        fprintf(out, "%s%11s  %11s  %s%s\n", options->colour ? BOLD : "", "OUTLIVED", "LIVE",
                "TASK, ONE BY ONE", options->colour ? PLAIN : "");
    for (size_t i = 0; i < shown && status == MEMSCOPE_OK; i++)
        status = put_task(&context, list[i]);
    if (shown < count)
        fprintf(out, "… %zu more (--top 0 shows all)\n", count - shown);
    if (classes == 0 && count == 0)
        fputs("nothing outlived its task\n", out);
    free(list);
    return status;
}
