// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How tasks are called in text.

#include "tasks_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"

// The last part of a name that ends at a comma, a bracket or `end`: of "a::b<c>::d<e>, f" it is
// "d". Returns where its template arguments begin, NULL = it has none.
static const char *put_last_part(FILE *out, const char *name, const char *end) {
    const char *part = name, *part_end = NULL, *arguments = NULL;
    int depth = 0;
    for (const char *at = name; at < end && (depth > 0 || !strchr(",>(", *at)); at++) {
        if (depth == 0 && *at == ':') {
            part = at + 1;
            part_end = arguments = NULL;
        } else if (*at == '<' && depth++ == 0) {
            part_end = at;
            arguments = at + 1;
        } else if (*at == '>') {
            depth--;
        }
        if (depth == 0 && !arguments)
            part_end = at + 1;
    }
    fprintf(out, "%.*s", part_end ? (int)(part_end - part) : 0, part);
    return arguments;
}

// A library's own coroutines have names of hundreds of characters. What tells one from another is
// the function, and the operation that is its first template argument: "Asio:
// initiate<initiate_async_connect>".
static void put_plumbing(FILE *out, const char *library, const char *function) {
    char *clean = ms_clean(function);
    if (!clean)
        return;
    const char *begin, *end = ms_function_name(clean, &begin);
    fprintf(out, "%s: ", library);
    const char *arguments = put_last_part(out, begin, end);
    if (arguments) {
        fputc('<', out);
        (void)put_last_part(out, arguments, end);
        fputc('>', out);
    }
    free(clean);
}

void ms_put_class(FILE *out, const struct ms_summary *summary,
                  const struct ms_task_class *task_class) {
    const char *function = ms_task_class_frame(summary, task_class).function;
    const char *library = ms_plumbing_library(task_class);
    if (!task_class)
        fputs("(unknown task)", out);
    else if (task_class->name)
        ms_put_clean(out, task_class->name);
    else if (library)
        put_plumbing(out, library, task_class->function);
    else if (function)
        ms_put_function(out, function);
    else if (task_class->entry_site)
        ms_put_place(out, summary, task_class->entry_site);
    else
        fprintf(out, "(unknown %s)", ms_task_kind_name(task_class->kind));
}

void ms_put_class_and_place(FILE *out, const struct ms_summary *summary,
                            const struct ms_task_class *task_class) {
    ms_put_class(out, summary, task_class);
    if (task_class && task_class->spawn_site) {
        fputs("  (", out);
        ms_put_place(out, summary, task_class->spawn_site);
        fputc(')', out);
    }
}

static void put_thread(FILE *out, const struct ms_thread *thread) {
    if (thread->index == 0)
        fputs("main", out);
    else if (thread->name[0])
        ms_put_clean(out, thread->name);
    else
        fprintf(out, "thread %" PRIu32, thread->index);
}

void ms_put_task(FILE *out, const struct ms_summary *summary, const struct ms_task *task) {
    if (task->kind == MEMSCOPE_TASK_THREAD && !task->task_class) {
        put_thread(out, task->thread);
    } else if (task->name) {
        ms_put_clean(out, task->name);
        fputs(", ", out);
        ms_put_class_and_place(out, summary, task->task_class);
    } else {
        ms_put_class_and_place(out, summary, task->task_class);
    }
    if (task->label) {
        fputs("  ", out);
        ms_put_clean(out, task->label);
    }
}

void ms_put_party(FILE *out, const struct ms_summary *summary, const struct ms_party *party) {
    if (party->thread)
        put_thread(out, party->thread);
    else
        ms_put_class_and_place(out, summary, party->task_class);
}

void ms_put_after(FILE *out, const struct ms_summary *summary, uint64_t at_ns) {
    uint64_t zero_ns = ms_profile_header(summary->profile)->start_monotonic_ns;
    char text[MS_NUMBER_BYTES];
    fprintf(out, "after %s", ms_format_duration(at_ns > zero_ns ? at_ns - zero_ns : 0, text));
}

bool ms_tasks_view_has(enum ms_tasks_view view, const struct ms_task *task) {
    if (view == MS_TASKS_LIVE)
        return task->kind != MEMSCOPE_TASK_THREAD && ms_task_is_alive(task);
    return view != MS_TASKS_OUTLIVED || ms_task_outlived_bytes(task) > 0;
}
