// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files about who allocates: thread_analysis.json, task_graph.json, async_analysis.json.

#include "memscope_rs_parts.h"

#include <math.h>
#include <string.h>

// Ids of what is no single task, above those of any number of tasks and exact as a double.
#define FIRST_ROOT (1ull << 50)
#define FIRST_CLASS (1ull << 51)
#define NOBODY (1ull << 52)

uint64_t ms_rs_task_of(const struct ms_block *block) {
    if (block->task_id != 0)
        return block->task_id;
    return block->thread ? FIRST_ROOT + block->thread->index : NOBODY;
}

// --- who there is ------------------------------------------------------------------------------

static uint64_t id_of(const struct ms_task *task) {
    return task->id < 0 ? FIRST_ROOT + (uint64_t)(-1 - task->id) : (uint64_t)task->id;
}

static struct ms_rs_task one_task(const struct ms_tasks *tasks, const struct ms_task *task) {
    return (struct ms_rs_task){
        .id = id_of(task),
        .parent_id = task->parent == MS_NO_TASK ? 0 : id_of(&tasks->tasks[task->parent]),
        .task = task,
        .task_class = task->task_class,
        .tasks = 1,
        .allocations = task->allocations,
        .bytes = task->bytes,
        .frees = task->frees,
        .live_bytes = task->live_bytes,
        .peak_bytes = task->peak_bytes,
        .created_ns = task->created_ns,
        .ended_ns = task->ended_ns,
        .is_over = !ms_task_is_alive(task),
    };
}

static void less(uint64_t *from, uint64_t amount) {
    *from -= amount < *from ? amount : *from;
}

// What a class holds, until what stands in its listed tasks is taken away.
static struct ms_rs_task whole_class(const struct ms_task_class *task_class) {
    const struct ms_counts *counts = &task_class->counts;
    return (struct ms_rs_task){
        .id = FIRST_CLASS + task_class->id,
        .task_class = task_class,
        .tasks = task_class->started,
        .allocations = counts->allocations,
        .bytes = counts->bytes,
        .frees = counts->frees,
        .live_bytes = counts->live_bytes,
        .peak_bytes = task_class->measures[MEMSCOPE_MEASURE_PEAK].max,
        .is_over = true,
    };
}

static void take_away(struct ms_rs_task *from, const struct ms_rs_task *task) {
    less(&from->tasks, 1);
    less(&from->allocations, task->allocations);
    less(&from->bytes, task->bytes);
    less(&from->frees, task->frees);
    less(&from->live_bytes, task->live_bytes);
}

// What cells without a task say, or with one of no known class.
static struct ms_rs_task nobody(const struct ms_counts *unowned) {
    return (struct ms_rs_task){
        .id = NOBODY,
        .allocations = unowned->allocations,
        .bytes = unowned->bytes,
        .frees = unowned->frees,
        .live_bytes = unowned->live_bytes,
        .peak_bytes = unowned->peak_bytes,
        .is_over = true,
    };
}

memscope_status ms_rs_make_tasks(struct ms_rs *rs) {
    const struct ms_tasks *tasks = rs->summary->tasks;
    struct ms_rs_task *classes = calloc(tasks->class_count + 1, sizeof *classes);
    rs->tasks = calloc(tasks->task_count + tasks->class_count + 1, sizeof *rs->tasks);
    if (!rs->tasks || !classes) {
        free(classes);
        return MEMSCOPE_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < tasks->class_count; i++)
        classes[i] = whole_class(&tasks->classes[i]);
    for (size_t i = 0; i < tasks->task_count; i++) {
        struct ms_rs_task task = one_task(tasks, &tasks->tasks[i]);
        if (task.task_class)
            take_away(&classes[task.task_class - tasks->classes], &task);
        rs->tasks[rs->task_count++] = task;
    }
    for (size_t i = 0; i < tasks->class_count; i++)
        if (classes[i].tasks > 0 || classes[i].allocations > 0)
            rs->tasks[rs->task_count++] = classes[i];
    if (tasks->unowned.allocations > 0)
        rs->tasks[rs->task_count++] = nobody(&tasks->unowned);
    free(classes);
    return MEMSCOPE_OK;
}

json_t *ms_rs_task_name(struct writer *writer, const struct ms_rs *rs,
                        const struct ms_rs_task *task) {
    char *name = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&name, &bytes);
    if (!out)
        return NULL;
    if (task->task)
        ms_put_task(out, rs->summary, task->task);
    else if (task->task_class)
        ms_put_class_and_place(out, rs->summary, task->task_class);
    else
        fputs("(of no task)", out);
    if (!task->task && task->task_class)
        fprintf(out, ", %" PRIu64 " ended", task->tasks);
    json_t *value = fclose(out) == 0 ? json_string(name) : NULL;
    writer->failed = writer->failed || !value;
    free(name);
    return value;
}

// --- threads -----------------------------------------------------------------------------------

void ms_rs_thread_analysis(struct writer *writer, const struct ms_rs *rs) {
    const struct ms_summary *summary = rs->summary;
    const struct ms_counts *total = &summary->total;
    uint64_t allocations = total->allocations, bytes = total->bytes, live = total->live_bytes;
    for (size_t i = 0; i < summary->threads_length; i++) {
        less(&allocations, summary->threads[i].counts.allocations);
        less(&bytes, summary->threads[i].counts.bytes);
        less(&live, summary->threads[i].counts.live_bytes);
    }
    json_t *metadata = ms_rs_metadata(writer, rs, "thread analysis", true);
    set(writer, metadata, "total_threads", number(summary->thread_count));
    set(writer, metadata, "threads_listed", number(summary->threads_length));
    set(writer, metadata, "threadless_allocation_count", number(allocations));
    set(writer, metadata, "threadless_total_allocated", number(bytes));
    set(writer, metadata, "threadless_current_memory", number(live));
    put_member(writer, "metadata", metadata);
    begin_array(writer, "thread_analysis");
    for (size_t i = 0; i < summary->threads_length; i++) {
        const struct ms_thread *thread = &summary->threads[i];
        json_t *item = json_object();
        set(writer, item, "thread_id", number(ms_rs_thread_id(thread)));
        set(writer, item, "allocation_count", number(thread->counts.allocations));
        set(writer, item, "total_allocated", number(thread->counts.bytes));
        set(writer, item, "current_memory", number(thread->counts.live_bytes));
        set(writer, item, "peak_memory", number(thread->counts.peak_bytes));
        set(writer, item, "thread_name", text_or_null(thread->name));
        set(writer, item, "os_thread_id", json_integer(thread->thread_id));
        put_item(writer, item);
    }
    end_array(writer);
}

// --- the graph ---------------------------------------------------------------------------------

void ms_rs_task_graph(struct writer *writer, const struct ms_rs *rs) {
    fputs("{\n  \"nodes\": [", writer->out);
    for (size_t i = 0; i < rs->task_count; i++) {
        const struct ms_rs_task *task = &rs->tasks[i];
        json_t *item = json_object();
        set(writer, item, "id", number(task->id));
        set(writer, item, "name", ms_rs_task_name(writer, rs, task));
        set(writer, item, "memory_usage", number(task->live_bytes));
        set(writer, item, "allocation_count", number(task->allocations));
        set(writer, item, "status", json_string(task->is_over ? "Completed" : "Running"));
        put_item(writer, item);
    }
    end_array(writer);
    begin_array(writer, "edges");
    for (size_t i = 0; i < rs->task_count; i++) {
        if (rs->tasks[i].parent_id == 0)
            continue;
        json_t *item = json_object();
        set(writer, item, "from", number(rs->tasks[i].parent_id));
        set(writer, item, "to", number(rs->tasks[i].id));
        set(writer, item, "kind", json_string(ms_task_edge_name(rs->tasks[i].task->edge)));
        put_item(writer, item);
    }
    end_array(writer);
}

// --- the tasks ---------------------------------------------------------------------------------

static json_t *summary_part(struct writer *writer, const struct ms_rs *rs) {
    const struct ms_counts *total = &rs->summary->total;
    uint64_t tasks = 0, active = 0;
    for (size_t i = 0; i < rs->task_count; i++) {
        tasks += rs->tasks[i].tasks;
        active += rs->tasks[i].is_over ? 0 : rs->tasks[i].tasks;
    }
    json_t *part = json_object();
    set(writer, part, "total_tasks", number(tasks));
    set(writer, part, "active_tasks", number(active));
    set(writer, part, "total_allocations", number(total->allocations));
    set(writer, part, "total_memory_bytes", number(total->bytes));
    set(writer, part, "active_memory_bytes", number(total->live_bytes));
    set(writer, part, "peak_memory_bytes", number(total->peak_bytes));
    set(writer, part, "truncated", json_boolean(ms_rs_is_truncated(rs)));
    return part;
}

// How long a task has run; false = unknown, or there are many.
static bool find_duration(const struct ms_rs *rs, const struct ms_rs_task *task,
                          uint64_t *duration_out) {
    const struct memscope_profile_header *header = ms_profile_header(rs->summary->profile);
    uint64_t run_ns = ms_profile_duration_ns(rs->summary->profile, rs->state);
    uint64_t end = task->ended_ns ? task->ended_ns : header->start_monotonic_ns + run_ns;
    *duration_out = end - task->created_ns;
    return task->created_ns != 0 && (task->ended_ns || run_ns) && end >= task->created_ns;
}

static json_t *in_milliseconds(const struct ms_rs *rs, uint64_t ns) {
    json_t *time = ms_rs_time(rs, ns), *value = json_null();
    if (json_is_integer(time))
        value = json_integer(json_integer_value(time) / 1000000);
    json_decref(time);
    return value;
}

static json_t *rounded(double value) {
    return json_real(round(value * 10000) / 10000);
}

static const char *kind_of(const struct ms_rs_task *task) {
    if (task->task)
        return ms_task_kind_name(task->task->kind);
    return task->task_class ? ms_task_kind_name(task->task_class->kind) : "unknown";
}

static json_t *profile_part(struct writer *writer, const struct ms_rs *rs,
                            const struct ms_rs_task *task) {
    uint64_t duration_ns;
    bool has_duration = find_duration(rs, task, &duration_ns);
    double bytes = (double)task->bytes, freed = bytes - (double)task->live_bytes;
    json_t *item = json_object();
    set(writer, item, "task_id", number(task->id));
    set(writer, item, "task_name", ms_rs_task_name(writer, rs, task));
    set(writer, item, "task_type", json_string(kind_of(task)));
    set(writer, item, "created_at_ms", in_milliseconds(rs, task->created_ns));
    set(writer, item, "completed_at_ms", in_milliseconds(rs, task->ended_ns));
    set(writer, item, "total_bytes", number(task->bytes));
    set(writer, item, "current_memory", number(task->live_bytes));
    set(writer, item, "peak_memory", number(task->peak_bytes));
    set(writer, item, "total_allocations", number(task->allocations));
    set(writer, item, "total_deallocations", number(task->frees));
    set(writer, item, "duration_ns", has_duration ? number(duration_ns) : json_null());
    set(writer, item, "allocation_rate",
        has_duration && duration_ns ? rounded((double)task->allocations * 1e9 / (double)duration_ns)
                                    : json_null());
    set(writer, item, "efficiency_score", rounded(task->bytes ? fmax(freed / bytes, 0) : 1));
    set(writer, item, "average_allocation_size",
        rounded(task->allocations ? bytes / (double)task->allocations : 0));
    set(writer, item, "is_completed", json_boolean(task->is_over));
    set(writer, item, "has_potential_leak", json_boolean(task->is_over && task->live_bytes > 0));
    set(writer, item, "task_count", number(task->tasks));
    return item;
}

static json_t *allocation(struct writer *writer, const struct ms_rs *rs,
                          const struct ms_block *block) {
    json_t *item = json_object();
    set(writer, item, "ptr", ms_rs_address(block->address));
    set(writer, item, "size", number(block->bytes));
    set(writer, item, "timestamp", ms_rs_time(rs, block->allocated_ns));
    set(writer, item, "task_id", number(ms_rs_task_of(block)));
    set(writer, item, "var_name", ms_rs_variable(block));
    set(writer, item, "type_name", ms_rs_type(block));
    set(writer, item, "site", ms_rs_place(rs, block->site));
    return item;
}

void ms_rs_async_analysis(struct writer *writer, const struct ms_rs *rs) {
    put_member(writer, "summary", summary_part(writer, rs));
    begin_array(writer, "task_profiles");
    for (size_t i = 0; i < rs->task_count; i++)
        put_item(writer, profile_part(writer, rs, &rs->tasks[i]));
    end_array(writer);
    begin_array(writer, "allocations");
    ms_rs_each_block(writer, rs, allocation);
    end_array(writer);
}
