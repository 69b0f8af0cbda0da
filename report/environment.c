// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "environment.h"

#include "tasks_report.h"

#include <profile/sessions.h>
#include <string.h>

#include "report.h"

enum place { PLACE_NAME, PLACE_MODULE };

static const struct library {
    const char *name;
    uint32_t kind; // enum memscope_task_kind
    enum place place;
    const char *prefix;
    bool tested;
} libraries[] = {
#define MEMSCOPE_ASYNC_LIBRARY(name, kind, place, prefix, tested)                                  \
    {name, MEMSCOPE_TASK_##kind, PLACE_##place, prefix, tested},
#include <memscope/async_libraries.def>
};
#define LIBRARY_COUNT (sizeof libraries / sizeof *libraries)

_Static_assert(LIBRARY_COUNT + 2 <= MS_RUNTIMES_MOST, "room for each library and the two others");

static const struct library no_library[] = {
    {"C++20 coroutines", MEMSCOPE_TASK_COROUTINE, PLACE_NAME, "", true},
    {"fibers", MEMSCOPE_TASK_FIBER, PLACE_NAME, "", true},
};

// The function of a fiber is a template with a return type, named after what it runs: the name of a
// library is looked for in all of it.
static bool fits(const struct library *library, const char *text) {
    if (library->place == PLACE_NAME && library->kind == MEMSCOPE_TASK_FIBER)
        return strstr(text, library->prefix) != NULL;
    return strncmp(text, library->prefix, strlen(library->prefix)) == 0;
}

static const struct library *library_of(uint32_t kind, enum place place, const char *text) {
    for (size_t i = 0; text && i < LIBRARY_COUNT; i++)
        if (libraries[i].place == place && (place == PLACE_MODULE || libraries[i].kind == kind) &&
            fits(&libraries[i], text))
            return &libraries[i];
    return NULL;
}

// By the function's name; of a fiber without one by the module that it is in.
static const struct library *library_of_class(const struct ms_task_class *one, const char *name) {
    const struct ms_site *site = one->entry_site;
    if (name || !site || !site->module || !site->module->path)
        return library_of(one->kind, PLACE_NAME, name);
    return library_of(one->kind, PLACE_MODULE, ms_base_name(site->module->path));
}

static const char *name_of_class(const struct ms_summary *summary,
                                 const struct ms_task_class *one) {
    if (one->kind == MEMSCOPE_TASK_COROUTINE && one->promise_type)
        return one->promise_type;
    return ms_task_class_frame(summary, one).function;
}

static const struct {
    const char *library, *prefix;
} plumbing[] = {
#define MEMSCOPE_ASYNC_PLUMBING(library, prefix) {library, prefix},
#include <memscope/async_libraries.def>
};

static const char *const glue[] = {
#define MEMSCOPE_ASYNC_GLUE(prefix) (prefix),
#include <memscope/async_libraries.def>
};

const char *ms_plumbing_library(const struct ms_task_class *task_class) {
    if (!task_class || task_class->name || task_class->kind != MEMSCOPE_TASK_COROUTINE)
        return NULL;
    return ms_plumbing_of_function(task_class->function);
}

bool ms_is_plumbing_glue(const char *function) {
    const char *begin;
    if (!function)
        return false;
    (void)ms_function_name(function, &begin);
    for (size_t i = 0; i < sizeof glue / sizeof *glue; i++)
        if (strncmp(begin, glue[i], strlen(glue[i])) == 0)
            return true;
    return false;
}

const char *ms_plumbing_of_function(const char *function) {
    const char *begin;
    if (!function)
        return NULL;
    (void)ms_function_name(function, &begin);
    for (size_t i = 0; i < sizeof plumbing / sizeof *plumbing; i++)
        if (strncmp(begin, plumbing[i].prefix, strlen(plumbing[i].prefix)) == 0)
            return plumbing[i].library;
    return NULL;
}

struct list {
    struct ms_runtime *items;
    size_t count;
};

static void add(struct list *list, const struct library *library, bool used, const char *evidence) {
    size_t i = 0;
    while (i < list->count && strcmp(list->items[i].name, library->name) != 0)
        i++;
    if (i == list->count)
        list->items[list->count++] =
            (struct ms_runtime){library->name, true, false, library->tested, evidence};
    list->items[i].tested = list->items[i].tested || library->tested;
    if (used && !list->items[i].used) {
        list->items[i].used = true;
        list->items[i].evidence = evidence;
    }
}

size_t ms_find_runtimes(const struct ms_summary *summary,
                        struct ms_runtime runtimes_out[MS_RUNTIMES_MOST]) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    const struct ms_tasks *tasks = summary->tasks;
    struct list list = {runtimes_out, 0};
    bool kind_seen[2] = {false, false};
    for (size_t i = 0; i < tasks->class_count; i++) {
        const struct ms_task_class *one = &tasks->classes[i];
        bool is_fiber = one->kind == MEMSCOPE_TASK_FIBER;
        if (one->started == 0 || (one->kind != MEMSCOPE_TASK_COROUTINE && !is_fiber))
            continue;
        const char *name = name_of_class(summary, one);
        const struct library *library = library_of_class(one, name);
        kind_seen[is_fiber] = true;
        add(&list, library ? library : &no_library[is_fiber], true, name);
    }
    for (size_t i = 0; i < summary->module_count; i++) {
        const char *path = summary->modules[i].path;
        const struct library *library =
            path ? library_of(0, PLACE_MODULE, ms_base_name(path)) : NULL;
        if (library)
            add(&list, library, false, path);
    }
    if (!kind_seen[0] && header->coroutine_sites > 0)
        add(&list, &no_library[0], false, NULL);
    if (!kind_seen[1] && header->fiber_sites > 0)
        add(&list, &no_library[1], false, NULL);
    return list.count;
}

void ms_put_environment(FILE *out, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    struct ms_runtime runtimes[MS_RUNTIMES_MOST];
    size_t count = ms_find_runtimes(summary, runtimes);
    char text[MS_NUMBER_BYTES];
    bool has_threads = ms_profile_environment(header) & MEMSCOPE_STRATEGY_THREADS;
    bool has_tasks = ms_profile_environment(header) & MEMSCOPE_STRATEGY_TASKS;
    fputs(ms_environment_kind(ms_profile_environment(header)), out);
    if (has_threads)
        fprintf(out, "(%s thread%s", ms_format_count(header->threads_highest, text),
                header->threads_highest == 1 ? "" : "s");
    if (has_tasks)
        fprintf(out, "%s%s async task%s", has_threads ? ", " : "(",
                ms_format_count(summary->tasks->async_alive, text),
                summary->tasks->async_alive == 1 ? "" : "s");
    fputs(has_threads || has_tasks ? ")" : "", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s%s", i ? ", " : ": ", runtimes[i].name,
                !runtimes[i].used     ? " (linked in, not used)"
                : !runtimes[i].tested ? " (untested)"
                                      : "");
}
