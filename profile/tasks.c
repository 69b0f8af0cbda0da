// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tasks of a profile: root tasks from threads, the others from their records; parents; and
// whose the cells are.

#include "internal.h"

#include <stdlib.h>
#include <string.h>

bool ms_has_tasks(const struct ms_tasks *tasks) {
    return tasks->task_count > tasks->root_count || tasks->class_count > 0;
}

bool ms_task_is_alive(const struct ms_task *task) {
    return task->state == MEMSCOPE_TASK_CREATED || task->state == MEMSCOPE_TASK_RUNNING ||
           task->state == MEMSCOPE_TASK_SUSPENDED;
}

uint64_t ms_task_outlived_bytes(const struct ms_task *task) {
    if (task->kind != MEMSCOPE_TASK_THREAD)
        return task->outlived_bytes;
    return ms_task_is_alive(task) || task->id == -1 ? 0 : task->live_bytes;
}

// --- tasks -------------------------------------------------------------------------------------

static const char *text(const struct ms_task_work *work, uint32_t ref) {
    const char *string = ms_profile_string(work->profile, ref);
    return string && *string ? string : NULL;
}

// FREE, but waiting for its await_suspend to end, with blocks of it alive.
static bool is_left_over(const struct memscope_task_record *record) {
    uint64_t frees = ms_add(record->frees, record->remote_frees & ~MEMSCOPE_TASK_ENDED);
    return (record->remote_frees & MEMSCOPE_TASK_ENDED) &&
           frees < ms_add(record->allocations, record->late_allocations);
}

static const struct memscope_task_record *task_at(const struct ms_profile *profile, uint32_t unit) {
    const struct memscope_task_record *record = (const void *)ms_at(profile, unit);
    bool used = profile->types[unit] == MEMSCOPE_RECORD_TASK &&
                (record->state != MEMSCOPE_TASK_FREE || is_left_over(record)) && record->id != 0;
    return used ? record : NULL;
}

// Numbers of the format that this reader does not know are 255, whose names say so.
static uint8_t small(uint32_t number) {
    return number < UINT8_MAX ? (uint8_t)number : UINT8_MAX;
}

static struct ms_task make_task(const struct ms_task_work *work, uint32_t unit,
                                const struct memscope_task_record *record) {
    size_t class_place = ms_place_of(work, record->class_ref, MEMSCOPE_RECORD_TASK_CLASS);
    size_t thread_place = ms_place_of(work, record->thread_ref, MEMSCOPE_RECORD_THREAD);
    uint64_t remote_frees = record->remote_frees & ~MEMSCOPE_TASK_ENDED;
    uint64_t frees = ms_add(record->frees, remote_frees);
    uint64_t allocations = ms_add(record->allocations, record->late_allocations);
    uint64_t bytes = ms_add(record->bytes, record->late_bytes & ~MEMSCOPE_TASK_FOLDED);
    struct ms_task task = {
        .id = record->id > INT64_MAX ? INT64_MAX : (int64_t)record->id,
        .parent_id = record->parent_id,
        .task_class = class_place ? &work->tasks->classes[class_place - 1] : NULL,
        .thread = thread_place ? &work->summary->threads[thread_place - 1] : NULL,
        .name = text(work, record->name_ref),
        .label = text(work, record->label_ref),
        .ref = work->profile->header.ref_base + unit,
        .parent = MS_NO_TASK,
        .kind = class_place ? small(work->tasks->classes[class_place - 1].kind) : UINT8_MAX,
        .state = small(record->state),
        .edge = small(record->edge),
        .edge_rule = small(record->edge_rule),
        .elided = record->record.flags & MEMSCOPE_TASK_ELIDED,
        .frame_bytes = record->frame_bytes,
        .resumes = record->resumes,
        .migrations = record->migrations,
        .allocations = allocations,
        .bytes = bytes,
        .frees = frees,
        .live_blocks = ms_sub(allocations, frees),
        .live_bytes = ms_sub(bytes, ms_add(record->freed_bytes, record->remote_freed_bytes)),
        .outlived_blocks = record->outlived_blocks,
        .outlived_bytes = record->outlived_bytes,
        .created_ns = record->created_ns,
        .ended_ns = record->ended_ns,
    };
    if (task.state == MEMSCOPE_TASK_FREE)
        task.state = MEMSCOPE_TASK_OUTLIVED;
    task.peak_bytes = ms_max(record->peak_bytes, task.live_bytes);
    return task;
}

// The first thread ends with the process, which nobody writes into its record.
static struct ms_task make_root(const struct ms_task_work *work, const struct ms_thread *thread) {
    const struct memscope_profile_header *header = &work->profile->header;
    bool is_over = thread->index == 0 && header->state == MEMSCOPE_PROCESS_EXITED;
    bool has_ended = thread->state == MEMSCOPE_THREAD_EXITED;
    return (struct ms_task){
        .id = -1 - (int64_t)thread->index,
        .thread = thread,
        .ref = thread->id,
        .parent = MS_NO_TASK,
        .kind = MEMSCOPE_TASK_THREAD,
        .state = has_ended || is_over ? MEMSCOPE_TASK_KEPT : MEMSCOPE_TASK_RUNNING,
        .created_ns = thread->start_ns,
        .ended_ns = is_over && !has_ended ? header->end_monotonic_ns : thread->end_ns,
    };
}

static int compare_ids(const void *left, const void *right) {
    const struct ms_task *a = left, *b = right;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return (a->ref > b->ref) - (a->ref < b->ref);
}

// Records mostly lie in the order of their ids.
static void sort_by_id(struct ms_task *tasks, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (compare_ids(&tasks[i - 1], &tasks[i]) > 0) {
            qsort(tasks, count, sizeof *tasks, compare_ids);
            return;
        }
    }
}

static bool take_tasks(struct ms_task_work *work) {
    struct ms_tasks *tasks = work->tasks;
    const struct ms_summary *summary = work->summary;
    size_t count = summary->threads_length;
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++)
        count += task_at(work->profile, unit) != NULL;
    tasks->tasks = calloc(count + 1, sizeof *tasks->tasks);
    if (!tasks->tasks)
        return false;
    for (size_t i = 0; i < summary->threads_length; i++)
        tasks->tasks[i] = make_root(work, &summary->threads[i]);
    tasks->root_count = tasks->task_count = summary->threads_length;
    for (uint32_t unit = MS_FIRST_UNIT; tasks->task_count < count; unit++) {
        const struct memscope_task_record *record = task_at(work->profile, unit);
        if (record)
            tasks->tasks[tasks->task_count++] = make_task(work, unit, record);
    }
    sort_by_id(tasks->tasks + tasks->root_count, count - tasks->root_count);
    for (size_t i = tasks->root_count; i < count; i++)
        work->place[tasks->tasks[i].ref - work->profile->header.ref_base] = (uint32_t)i + 1;
    return true;
}

// --- parents -----------------------------------------------------------------------------------

static void find_parent(const struct ms_task_work *work, struct ms_task *task) {
    const struct ms_profile *profile = work->profile;
    const struct memscope_task_record *record =
        (const void *)ms_at(profile, task->ref - profile->header.ref_base);
    size_t thread_place = ms_place_of(work, record->parent_ref, MEMSCOPE_RECORD_THREAD);
    if (task->parent_id == 0) {
        if (thread_place)
            task->parent = (uint32_t)thread_place - 1;
        return;
    }
    // The parent's record counts only while it is still the parent's.
    uint32_t unit = ms_unit_of(profile, record->parent_ref, MEMSCOPE_RECORD_TASK);
    const struct memscope_task_record *parent = unit ? task_at(profile, unit) : NULL;
    if (parent && parent->id == task->parent_id)
        task->parent = work->place[unit] - 1;
    else
        task->parent_gone = true;
}

// Damage, or a record read while it changed, may lead in a circle: one edge of each is cut. Each
// task is walked over once; `walks` says in which walk.
static bool cut_cycles(struct ms_tasks *tasks) {
    uint32_t *walks = calloc(tasks->task_count + 1, sizeof *walks);
    if (!walks)
        return false;
    for (size_t i = 0; i < tasks->task_count; i++) {
        uint32_t walk = (uint32_t)i + 1, at = (uint32_t)i;
        while (walks[at] == 0) {
            walks[at] = walk;
            uint32_t parent = tasks->tasks[at].parent;
            if (parent == MS_NO_TASK)
                break;
            if (walks[parent] == walk) {
                tasks->tasks[at].parent = MS_NO_TASK;
                tasks->cycles++;
                break;
            }
            at = parent;
        }
    }
    free(walks);
    return true;
}

// --- sums --------------------------------------------------------------------------------------

static bool take_cells(struct ms_task_work *work) {
    const struct ms_profile *profile = work->profile;
    struct ms_tasks *tasks = work->tasks;
    struct ms_peak_bounds *class_bounds = calloc(tasks->class_count + 1, sizeof *class_bounds);
    struct ms_peak_bounds *root_bounds = calloc(tasks->root_count + 1, sizeof *root_bounds);
    struct ms_counts *roots = calloc(tasks->root_count + 1, sizeof *roots);
    struct ms_peak_bounds unowned = {0};
    bool good = class_bounds && root_bounds && roots;
    for (uint32_t unit = MS_FIRST_UNIT; good && unit < profile->end_unit; unit++) {
        if (profile->types[unit] != MEMSCOPE_RECORD_CELL)
            continue;
        const struct memscope_cell_record *cell = (const void *)ms_at(profile, unit);
        size_t class_place = ms_place_of(work, cell->class_ref, MEMSCOPE_RECORD_TASK_CLASS);
        size_t thread_place = ms_place_of(work, cell->thread_ref, MEMSCOPE_RECORD_THREAD);
        struct ms_counts counts;
        ms_count_cell(cell, profile->header.peak_epoch, &counts);
        if (!(cell->record.flags & MEMSCOPE_CELL_TASK) && thread_place)
            ms_counts_add(&roots[thread_place - 1], &counts, &root_bounds[thread_place - 1]);
        else if ((cell->record.flags & MEMSCOPE_CELL_TASK) && class_place)
            ms_counts_add(&tasks->classes[class_place - 1].counts, &counts,
                          &class_bounds[class_place - 1]);
        else
            ms_counts_add(&tasks->unowned, &counts, &unowned);
    }
    for (size_t i = 0; good && i < tasks->class_count; i++)
        ms_counts_bound_peak(&tasks->classes[i].counts, &class_bounds[i]);
    for (size_t i = 0; good && i < tasks->root_count; i++) {
        struct ms_task *task = &tasks->tasks[i];
        const struct ms_counts *whole = &task->thread->counts;
        ms_counts_bound_peak(&roots[i], &root_bounds[i]);
        task->allocations = roots[i].allocations;
        task->bytes = roots[i].bytes;
        task->frees = roots[i].frees;
        task->live_blocks = roots[i].live_allocations;
        task->live_bytes = roots[i].live_bytes;
        // The thread's peak is its root task's where it ran no other.
        task->peak_bytes = whole->bytes == roots[i].bytes ? whole->peak_bytes : roots[i].peak_bytes;
        if (task->state == MEMSCOPE_TASK_KEPT && ms_task_outlived_bytes(task) > 0)
            task->state = MEMSCOPE_TASK_OUTLIVED;
    }
    ms_counts_bound_peak(&tasks->unowned, &unowned);
    free(class_bounds);
    free(root_bounds);
    free(roots);
    return good;
}

// What the classes' tasks say, each by itself.
static void add_tasks_to_classes(struct ms_tasks *tasks) {
    for (size_t i = 0; i < tasks->class_count; i++) {
        struct ms_task_class *task_class = &tasks->classes[i];
        task_class->task_bytes = task_class->measures[MEMSCOPE_MEASURE_TOTAL].sum;
        task_class->largest_peak_bytes = task_class->measures[MEMSCOPE_MEASURE_PEAK].max;
        tasks->started = ms_add(tasks->started, task_class->started);
        tasks->ended = ms_add(tasks->ended, task_class->ended);
        tasks->alive = ms_add(tasks->alive, task_class->alive);
        if (task_class->kind == MEMSCOPE_TASK_COROUTINE || task_class->kind == MEMSCOPE_TASK_FIBER)
            tasks->async_alive = ms_add(tasks->async_alive, task_class->alive);
    }
    for (size_t i = tasks->root_count; i < tasks->task_count; i++) {
        const struct ms_task *task = &tasks->tasks[i];
        if (!task->task_class)
            continue;
        struct ms_task_class *task_class = &tasks->classes[task->task_class - tasks->classes];
        task_class->task_live_bytes = ms_add(task_class->task_live_bytes, task->live_bytes);
        task_class->largest_peak_bytes = ms_max(task_class->largest_peak_bytes, task->peak_bytes);
        if (ms_task_is_alive(task)) { // of the others the folds know
            task_class->task_bytes = ms_add(task_class->task_bytes, task->bytes);
            task_class->resumes = ms_add(task_class->resumes, task->resumes);
            task_class->migrations = ms_add(task_class->migrations, task->migrations);
        }
    }
}

// --- the whole ---------------------------------------------------------------------------------

memscope_status ms_tasks_create(struct ms_summary *summary, const uint32_t *canonical,
                                uint32_t *place) {
    struct ms_task_work work = {summary->profile, summary, NULL, canonical, place};
    summary->tasks = work.tasks = calloc(1, sizeof *work.tasks);
    if (!work.tasks || !ms_take_task_classes(&work) || !ms_take_task_folds(&work) ||
        !take_tasks(&work))
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = work.tasks->root_count; i < work.tasks->task_count; i++)
        find_parent(&work, &work.tasks->tasks[i]);
    if (!cut_cycles(work.tasks) || !take_cells(&work) || !ms_take_transfers(&work))
        return MEMSCOPE_OUT_OF_MEMORY;
    add_tasks_to_classes(work.tasks);
    return MEMSCOPE_OK;
}

void ms_tasks_shift_sites(struct ms_tasks *tasks) {
    for (size_t i = 0; i < tasks->class_count; i++) {
        if (tasks->classes[i].spawn_site)
            tasks->classes[i].spawn_site--;
        if (tasks->classes[i].entry_site)
            tasks->classes[i].entry_site--;
    }
}

void ms_tasks_destroy(struct ms_tasks *tasks) {
    if (!tasks)
        return;
    free(tasks->tasks);
    free(tasks->classes);
    free(tasks->transfers);
    free(tasks);
}
