// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON: tasks, task classes, transfers. A million tasks may be alive: their numbers are written
// without a tree of values in between, and what their classes say is made once.

#include "json_parts.h"

#include <string.h>

#include <memscope/memscope.h>

// Texts of this many classes are kept.
#define CLASSES_KEPT 4096

static json_t *spawn_part(struct writer *writer, const struct ms_summary *summary,
                          const struct ms_site *site) {
    if (!site)
        return json_null();
    uint32_t depth = ms_site_shown_depth(site);
    struct ms_frame frame = {0};
    if (depth != MS_NO_FRAME)
        frame = ms_site_frame(summary, site, depth);
    json_t *part = json_object();
    set(writer, part, "file", text_or_null(frame.file));
    set(writer, part, "line", number_or_null(frame.line));
    set(writer, part, "function", text_or_null(frame.function));
    set(writer, part, "module",
        text_or_null(site->foreign && site->module ? site->module->path : NULL));
    set(writer, part, "offset", site->foreign ? number(site->module_offset) : json_null());
    return part;
}

// --- tasks -------------------------------------------------------------------------------------

// "function": …, "file": …, "line": …, "spawn": …; to be freed
static char *place_text(struct writer *writer, const struct ms_summary *summary,
                        const struct ms_task_class *task_class, const struct ms_site *spawn_site) {
    struct ms_frame frame = ms_task_class_frame(summary, task_class);
    json_t *part = json_object();
    set_place(writer, part, frame.function, frame.file, frame.line);
    set(writer, part, "spawn", spawn_part(writer, summary, spawn_site));
    char *text = part ? json_dumps(part, 0) : NULL;
    json_decref(part);
    if (!text) {
        writer->failed = true;
        return NULL;
    }
    size_t length = strlen(text);
    memmove(text, text + 1, length - 2);
    text[length - 2] = '\0';
    return text;
}

static void put_place(struct writer *writer, const struct ms_summary *summary,
                      const struct ms_task *task, char **kept) {
    const struct ms_task_class *task_class = task->task_class;
    size_t index = task_class ? (size_t)(task_class - summary->tasks->classes) : CLASSES_KEPT;
    const struct ms_site *spawn_site = task_class ? task_class->spawn_site
                                       : task->kind == MEMSCOPE_TASK_THREAD
                                           ? task->thread->spawn_site
                                           : NULL;
    char *text = index < CLASSES_KEPT ? kept[index] : NULL;
    if (!text)
        text = place_text(writer, summary, task_class, spawn_site);
    fputs(text ? text : "", writer->out);
    if (index < CLASSES_KEPT)
        kept[index] = text;
    else
        free(text);
}

static void put_text(struct writer *writer, const char *key, const char *text) {
    fprintf(writer->out, ", \"%s\": ", key);
    if (text)
        dump(writer, text_or_null(text));
    else
        fputs("null", writer->out);
}

static void put_number(struct writer *writer, const char *key, uint64_t value) {
    fprintf(writer->out, ", \"%s\": %" PRIu64, key, value > INT64_MAX ? INT64_MAX : value);
}

static void put_since(struct writer *writer, const char *key, uint64_t zero_ns, uint64_t at_ns) {
    uint64_t us = at_ns > zero_ns ? (at_ns - zero_ns) / 1000 : 0;
    if (at_ns == 0)
        fprintf(writer->out, ", \"%s\": null", key);
    else
        fprintf(writer->out, ", \"%s\": %" PRIu64 ".%03" PRIu64, key, us / 1000, us % 1000);
}

static const char *name_of(const struct ms_task *task) {
    if (task->name)
        return task->name;
    if (task->kind == MEMSCOPE_TASK_THREAD && !task->task_class) // a root task
        return task->thread->name;
    return task->task_class ? task->task_class->name : NULL;
}

static void put_parent(struct writer *writer, const struct ms_summary *summary,
                       const struct ms_task *task) {
    if (task->parent != MS_NO_TASK)
        fprintf(writer->out, ", \"parent\": %" PRId64, summary->tasks->tasks[task->parent].id);
    else if (task->parent_id != 0)
        put_number(writer, "parent", task->parent_id);
    else
        put_text(writer, "parent", NULL);
}

static void put_task(struct writer *writer, const struct ms_summary *summary,
                     const struct ms_task *task, char **kept) {
    uint64_t zero_ns = ms_profile_header(summary->profile)->start_monotonic_ns;
    FILE *out = writer->out;
    fprintf(out, "%s\n    {\"id\": %" PRId64 ", \"class\": ", writer->first ? "" : ",", task->id);
    writer->first = false;
    if (task->task_class)
        fprintf(out, "%" PRIu32, task->task_class->id);
    else
        fputs("null", out);
    fprintf(out, ", \"kind\": \"%s\"", ms_task_kind_name(task->kind));
    put_text(writer, "name", name_of(task));
    fputs(", ", out);
    put_place(writer, summary, task, kept);
    put_parent(writer, summary, task);
    fprintf(out, ", \"edge\": \"%s\", \"edge_rule\": %u, \"state\": \"%s\"",
            ms_task_edge_name(task->edge), task->edge_rule, ms_task_state_name(task->state));
    if (task->thread)
        put_number(writer, "thread", task->thread->index);
    else
        put_text(writer, "thread", NULL);
    put_number(writer, "frame_bytes", task->frame_bytes);
    fprintf(out, ", \"elided\": %s", task->elided ? "true" : "false");
    put_number(writer, "allocations", task->allocations);
    put_number(writer, "bytes", task->bytes);
    put_number(writer, "frees", task->frees);
    put_number(writer, "live_bytes", task->live_bytes);
    put_number(writer, "peak_bytes", task->peak_bytes);
    put_number(writer, "outlived_bytes", ms_task_outlived_bytes(task));
    put_number(writer, "outlived_blocks",
               task->kind != MEMSCOPE_TASK_THREAD ? task->outlived_blocks
               : ms_task_outlived_bytes(task) > 0 ? task->live_blocks
                                                  : 0);
    put_number(writer, "resumes", task->resumes);
    put_number(writer, "migrations", task->migrations);
    put_since(writer, "created_ms", zero_ns, task->created_ns);
    put_since(writer, "ended_ms", zero_ns, task->ended_ns);
    put_text(writer, "label", task->label);
    fputc('}', out);
}

static void put_tasks(struct writer *writer, const struct ms_summary *summary,
                      const struct ms_tasks_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    char **kept = calloc(CLASSES_KEPT, sizeof *kept);
    const struct ms_task **list = malloc((tasks->task_count + 1) * sizeof *list);
    size_t count = 0;
    begin_array(writer, "tasks");
    if (kept && list) {
        for (size_t i = 0; i < tasks->task_count; i++)
            if (!options || ms_tasks_view_has(options->view, &tasks->tasks[i]))
                list[count++] = &tasks->tasks[i];
        if (options) {
            ms_tasks_sort(list, count, options->order);
            if (options->top > 0 && options->view != MS_TASKS_CLASSES &&
                options->view != MS_TASKS_TRANSFERS && options->top < count)
                count = options->top;
        }
        for (size_t i = 0; i < count; i++)
            put_task(writer, summary, list[i], kept);
    } else {
        writer->failed = true;
    }
    end_array(writer);
    for (size_t i = 0; kept && i < CLASSES_KEPT; i++)
        free(kept[i]);
    free(kept);
    free(list);
}

// --- classes -----------------------------------------------------------------------------------

static json_t *measure_part(struct writer *writer, const struct ms_task_class *task_class,
                            enum memscope_task_measure measure) {
    const struct ms_distribution *values = &task_class->measures[measure];
    json_t *part = json_object();
    bool none = task_class->ended == 0;
    set(writer, part, "p50", none ? json_null() : number(values->p50));
    set(writer, part, "p90", none ? json_null() : number(values->p90));
    set(writer, part, "p99", none ? json_null() : number(values->p99));
    set(writer, part, "max", none ? json_null() : number(values->max));
    set(writer, part, "sum", number(values->sum));
    return part;
}

static json_t *class_part(struct writer *writer, const struct ms_summary *summary,
                          const struct ms_task_class *task_class) {
    const struct ms_counts *counts = &task_class->counts;
    json_t *part = json_object();
    set(writer, part, "id", number(task_class->id));
    set(writer, part, "kind", json_string(ms_task_kind_name(task_class->kind)));
    set(writer, part, "name", text_or_null(task_class->name));
    struct ms_frame frame = ms_task_class_frame(summary, task_class);
    set_place(writer, part, frame.function, frame.file, frame.line);
    set(writer, part, "promise_type", text_or_null(task_class->promise_type));
    set(writer, part, "spawn", spawn_part(writer, summary, task_class->spawn_site));
    set(writer, part, "count", number(task_class->started));
    set(writer, part, "ended", number(task_class->ended));
    set(writer, part, "alive", number(task_class->alive));
    set(writer, part, "elided", number(task_class->elided));
    set(writer, part, "in_flight", number(task_class->in_flight));
    set(writer, part, "allocations", number(counts->allocations));
    set(writer, part, "bytes", number(counts->bytes));
    set(writer, part, "frees", number(counts->frees));
    set(writer, part, "live_bytes", number(counts->live_bytes));
    set(writer, part, "at_peak_bytes", number(counts->at_peak_bytes));
    set(writer, part, "task_bytes", number(task_class->task_bytes));
    set(writer, part, "task_live_bytes", number(task_class->task_live_bytes));
    set(writer, part, "resumes", number(task_class->resumes));
    set(writer, part, "migrations", number(task_class->migrations));
    set(writer, part, "total", measure_part(writer, task_class, MEMSCOPE_MEASURE_TOTAL));
    set(writer, part, "peak", measure_part(writer, task_class, MEMSCOPE_MEASURE_PEAK));
    set(writer, part, "outlived", measure_part(writer, task_class, MEMSCOPE_MEASURE_OUTLIVED));
    set(writer, part, "percentile_error_percent", json_real(MEMSCOPE_TASK_BUCKET_ERROR_PERCENT));
    return part;
}

static void put_classes(struct writer *writer, const struct ms_summary *summary,
                        const struct ms_tasks_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    size_t count = tasks->class_count;
    const struct ms_task_class **list = malloc((count + 1) * sizeof *list);
    begin_array(writer, "task_classes");
    for (size_t i = 0; list && i < count; i++)
        list[i] = &tasks->classes[i];
    if (list && options && options->view == MS_TASKS_CLASSES) {
        ms_task_classes_sort(list, count, options->order);
        if (options->top > 0 && options->top < count)
            count = options->top;
    }
    for (size_t i = 0; list && i < count; i++)
        put_item(writer, class_part(writer, summary, list[i]));
    writer->failed = writer->failed || !list;
    end_array(writer);
    free(list);
}

// --- transfers ---------------------------------------------------------------------------------

static void put_transfers(struct writer *writer, const struct ms_summary *summary,
                          const struct ms_tasks_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    uint64_t zero_ns = ms_profile_header(summary->profile)->start_monotonic_ns;
    size_t count = tasks->transfer_count;
    if (options && options->view == MS_TASKS_TRANSFERS && options->top > 0 && options->top < count)
        count = options->top;
    begin_array(writer, "transfers");
    for (size_t i = 0; i < count; i++) {
        const struct ms_transfer *transfer = &tasks->transfers[i];
        json_t *item = json_object();
        set(writer, item, "from", json_integer(ms_party_id(&transfer->from)));
        set(writer, item, "to", json_integer(ms_party_id(&transfer->to)));
        set(writer, item, "blocks", number(transfer->blocks));
        set(writer, item, "bytes", number(transfer->bytes));
        set(writer, item, "blocks_after_end", number(transfer->blocks_after_end));
        set(writer, item, "bytes_after_end", number(transfer->bytes_after_end));
        set(writer, item, "last_ms",
            transfer->last_ns
                ? milliseconds(transfer->last_ns > zero_ns ? transfer->last_ns - zero_ns : 0)
                : json_null());
        put_item(writer, item);
    }
    end_array(writer);
}

void ms_json_tasks(struct writer *writer, const struct ms_summary *summary,
                   const struct ms_tasks_options *options) {
    put_tasks(writer, summary, options);
    put_classes(writer, summary, options);
    put_transfers(writer, summary, options);
}

memscope_status ms_report_tasks_json(const struct ms_summary *summary,
                                     const struct ms_tasks_options *options, FILE *out) {
    struct writer writer = {.out = out, .first = true};
    json_t *version = json_object();
    set(&writer, version, "version", json_string(MEMSCOPE_VERSION_STRING));
    put_member(&writer, "memscope", version);
    put_member(&writer, "profile", ms_json_profile(&writer, summary, options->status));
    put_member(&writer, "environment", ms_json_environment(&writer, summary));
    ms_json_tasks(&writer, summary, options);
    fputs("\n}\n", out);
    return writer.failed ? MEMSCOPE_OUT_OF_MEMORY : MEMSCOPE_OK;
}
