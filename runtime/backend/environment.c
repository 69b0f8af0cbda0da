// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "environment.h"

#include "entry/start.h"
#include "snapshot.h"
#include "store/modules.h"

#include <string.h>

enum place { PLACE_NAME, PLACE_MODULE };

static const struct library {
    const char *name;
    int type; // enum memscope_runtime_type
    enum place place;
    const char *prefix;
} libraries[] = {
#define MEMSCOPE_RUNTIME_COROUTINE MEMSCOPE_RUNTIME_CPP_COROUTINE
#define MEMSCOPE_ASYNC_LIBRARY(name, kind, place, prefix, tested)                                  \
    {name, MEMSCOPE_RUNTIME_##kind, PLACE_##place, prefix},
#include <memscope/async_libraries.def>
    {"libgomp", MEMSCOPE_RUNTIME_OPENMP, PLACE_MODULE, "libgomp.so"},
    {"libomp", MEMSCOPE_RUNTIME_OPENMP, PLACE_MODULE, "libomp.so"},
    {"libiomp5", MEMSCOPE_RUNTIME_OPENMP, PLACE_MODULE, "libiomp5.so"},
};

// A function of a fiber is a template with a return type: its library is looked for in all of it.
static bool fits(const struct library *library, const char *text) {
    if (library->place == PLACE_NAME && library->type == MEMSCOPE_RUNTIME_FIBER)
        return strstr(text, library->prefix) != NULL;
    return strncmp(text, library->prefix, strlen(library->prefix)) == 0;
}

static const char *library_of(int type, enum place place, const char *text) {
    for (size_t i = 0; text && i < sizeof libraries / sizeof *libraries; i++)
        if (libraries[i].place == place && libraries[i].type == type && fits(&libraries[i], text))
            return libraries[i].name;
    return NULL;
}

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

// The entry of a runtime, made now if there was none; where there is no room the last one's.
static struct memscope_runtime *entry_of(struct memscope_environment *environment, int type,
                                         const char *library) {
    struct memscope_runtime *runtimes = environment->runtimes;
    uint32_t i = 0;
    while (i < environment->runtime_count &&
           (runtimes[i].type != type || !same_text(runtimes[i].library, library)))
        i++;
    if (i == MEMSCOPE_RUNTIMES_MOST)
        return &runtimes[i - 1];
    if (i == environment->runtime_count) {
        environment->runtime_count++;
        runtimes[i] =
            (struct memscope_runtime){.type = type, .library = library, .linked_in = true};
    }
    return &runtimes[i];
}

// ---- what is used ------------------------------------------------------------------------------

// Records that never change once they are published.
MS_READS_LIVE static const void *immutable(uint32_t ref, uint8_t type) {
    if (ref == 0 || !ms_ref_is_ours(ref))
        return NULL;
    const struct memscope_record *record = ms_ref(ref);
    return ms_acquire(&record->type) == type ? record : NULL;
}

static const char *text_of(uint32_t ref) {
    const struct memscope_string_record *string = immutable(ref, MEMSCOPE_RECORD_STRING);
    return string ? string->text : NULL;
}

// The file name of the module that holds a site.
static const char *module_of(const struct memscope_site_record *site) {
    const struct memscope_module_record *module =
        site ? immutable(site->module_ref, MEMSCOPE_RECORD_MODULE) : NULL;
    const char *path = module ? text_of(module->path_ref) : NULL;
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

static struct memscope_runtime *runtime_of(struct memscope_environment *environment,
                                           const struct memscope_task_class_record *task_class) {
    const char *library = NULL;
    switch (task_class->kind) {
    case MEMSCOPE_TASK_COROUTINE: {
        const char *promise = text_of(task_class->promise_type_ref);
        library = library_of(MEMSCOPE_RUNTIME_CPP_COROUTINE, PLACE_NAME,
                             promise ? promise : text_of(task_class->function_ref));
        return entry_of(environment, MEMSCOPE_RUNTIME_CPP_COROUTINE, library);
    }
    case MEMSCOPE_TASK_FIBER:
        library =
            library_of(MEMSCOPE_RUNTIME_FIBER, PLACE_MODULE,
                       module_of(immutable(task_class->entry_site_ref, MEMSCOPE_RECORD_SITE)));
        // Its function is often an instance of the library's template in the program itself.
        if (!library && (task_class->record.flags & MEMSCOPE_TASK_CLASS_FCONTEXT))
            library = library_of(MEMSCOPE_RUNTIME_FIBER, PLACE_MODULE, "libboost_context.so");
        return entry_of(environment, MEMSCOPE_RUNTIME_FIBER, library);
    default:
        return entry_of(environment, MEMSCOPE_RUNTIME_CUSTOM, NULL);
    }
}

MS_READS_LIVE static void take_fold(struct memscope_environment *environment,
                                    const struct memscope_task_fold_record *fold) {
    const struct memscope_task_class_record *task_class =
        immutable(ms_load(&fold->class_ref), MEMSCOPE_RECORD_TASK_CLASS);
    uint64_t ended = ms_acquire(&fold->ended), started = ms_acquire(&fold->started);
    if (!task_class || (started == 0 && ended == 0))
        return;
    struct memscope_runtime *runtime = runtime_of(environment, task_class);
    runtime->used = true;
    runtime->tasks_so_far += started;
    runtime->tasks_now += started - ended; // tasks may end on another thread than they began on
    if (task_class->kind == MEMSCOPE_TASK_COROUTINE || task_class->kind == MEMSCOPE_TASK_FIBER)
        environment->async_task_count += started - ended;
}

// OpenMP's threads are known by the region that started them, or by the library.
MS_READS_LIVE static void take_thread(struct memscope_environment *environment,
                                      const struct memscope_thread_record *thread) {
    const struct memscope_site_record *site =
        immutable(ms_load(&thread->spawn_site_ref), MEMSCOPE_RECORD_SITE);
    const char *library = library_of(MEMSCOPE_RUNTIME_OPENMP, PLACE_MODULE, module_of(site));
    if (!library && !(site && site->kind == MEMSCOPE_SITE_PARALLEL_REGION))
        return;
    struct memscope_runtime *runtime = NULL;
    for (uint32_t i = 0; !runtime && !library && i < environment->runtime_count; i++)
        if (environment->runtimes[i].type == MEMSCOPE_RUNTIME_OPENMP)
            runtime = &environment->runtimes[i]; // the region does not tell which
    if (!runtime)
        runtime = entry_of(environment, MEMSCOPE_RUNTIME_OPENMP, library);
    runtime->used = true;
    runtime->tasks_so_far += ms_load(&thread->shared_by);
    runtime->tasks_now += ms_load(&thread->state) == MEMSCOPE_THREAD_RUNNING;
}

// ---- what is linked in -------------------------------------------------------------------------

// Libraries that are loaded, or were. By the names of mapped files, since dl_iterate_phdr takes a
// lock of the loader's: a fork meanwhile would leave it taken in the child for ever.
static uint32_t is_loaded[sizeof libraries / sizeof *libraries];

static void note_file(const char *name) {
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (libraries[i].place == PLACE_MODULE && fits(&libraries[i], name))
            ms_store(&is_loaded[i], 1u);
}

// Again and again once the program loads libraries itself: it is not told when that is done.
static void take_libraries(struct memscope_environment *environment) {
    static uint32_t is_known;
    if (!ms_acquire(&is_known) || ms_load(&ms_modules_loaded)) {
        ms_sys_mapped_names(note_file);
        ms_release(&is_known, 1u);
    }
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (ms_load(&is_loaded[i]))
            (void)entry_of(environment, libraries[i].type, libraries[i].name);
}

static bool has_type(const struct memscope_environment *environment, int type) {
    for (uint32_t i = 0; i < environment->runtime_count; i++)
        if (environment->runtimes[i].type == type)
            return true;
    return false;
}

// ---- the whole ---------------------------------------------------------------------------------

static void order(struct memscope_environment *environment) {
    struct memscope_runtime *runtimes = environment->runtimes;
    for (uint32_t i = 1; i < environment->runtime_count; i++) {
        struct memscope_runtime moved = runtimes[i];
        uint32_t to = i;
        for (; to > 0 && runtimes[to - 1].tasks_so_far < moved.tasks_so_far; to--)
            runtimes[to] = runtimes[to - 1];
        runtimes[to] = moved;
    }
    if (environment->runtime_count > 0 && runtimes[0].used) {
        environment->primary_runtime = runtimes[0].type;
        environment->primary_library = runtimes[0].library;
    }
}

static void count_tasks(struct memscope_environment *environment) {
    struct memscope_profile_header *header = ms_shared.header;
    if ((int64_t)environment->async_task_count < 0) // ends read before their starts
        environment->async_task_count = 0;
    for (uint32_t i = 0; i < environment->runtime_count; i++)
        if ((int64_t)environment->runtimes[i].tasks_now < 0)
            environment->runtimes[i].tasks_now = 0;
    uint64_t highest = ms_load(&header->async_task_highest);
    while (!ms_single_threaded() && environment->async_task_count > highest &&
           !ms_swap_if(&header->async_task_highest, &highest, environment->async_task_count))
        ;
    environment->async_task_highest = ms_load(&header->async_task_highest);
}

bool ms_environment_detect(struct memscope_environment *environment_out) {
    const struct memscope_profile_header *header = ms_shared.header;
    struct memscope_environment *environment = environment_out;
    memset(environment, 0, sizeof *environment);
    if (ms_load(&ms_damaged_modules) != 0)
        return false;
    environment->thread_count = environment->thread_highest = 1;
    if (ms_load(&header->flags) & MEMSCOPE_PROFILE_NO_DETECT)
        return true; // SINGLE_THREADED
    take_libraries(environment);
    struct ms_walk walk = ms_walk_begin();
    const void *record;
    while ((record = ms_walk_next(&walk, 0))) {
        if (walk.head.type == MEMSCOPE_RECORD_TASK_FOLD)
            take_fold(environment, record);
        else if (walk.head.type == MEMSCOPE_RECORD_THREAD)
            take_thread(environment, record);
    }
    if (ms_load(&header->coroutine_sites) > 0 &&
        !has_type(environment, MEMSCOPE_RUNTIME_CPP_COROUTINE))
        (void)entry_of(environment, MEMSCOPE_RUNTIME_CPP_COROUTINE, NULL);
    if (ms_load(&header->fiber_sites) > 0 && !has_type(environment, MEMSCOPE_RUNTIME_FIBER))
        (void)entry_of(environment, MEMSCOPE_RUNTIME_FIBER, NULL);
    environment->thread_count = ms_load(&header->threads_now);
    environment->thread_highest = ms_load(&header->threads_highest);
    count_tasks(environment);
    order(environment);
    environment->kind = (ms_load(&header->threads_started) > 1 ? MEMSCOPE_STRATEGY_THREADS : 0) |
                        (ms_load(&header->tasks_started) > 0 ? MEMSCOPE_STRATEGY_TASKS : 0);
    return true;
}
