// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How steps and measures are called.

#include "stack_tree.h"

#include <inttypes.h>
#include <string.h>

#include "report.h"

static const struct {
    const char *name, *meaning;
} measures[MS_STACK_MEASURES] = {
    [MS_STACKS_BY_LIVE] = {"live", "bytes alive"},
    [MS_STACKS_BY_PEAK] = {"peak", "sum of peaks, each stack's own: no peak of the process"},
    [MS_STACKS_BY_AT_PEAK] = {"at-peak", "bytes alive at the peak"},
    [MS_STACKS_BY_TOTAL] = {"total", "bytes allocated"},
    [MS_STACKS_BY_COUNT] = {"count", "allocations"},
    [MS_STACKS_BY_TEMPORARY] = {"temporary", "temporary allocations"},
};

const char *ms_stack_measure_name(enum ms_stack_measure measure) {
    return (unsigned)measure < MS_STACK_MEASURES ? measures[measure].name : NULL;
}

const char *ms_stack_measure_meaning(enum ms_stack_measure measure) {
    return measures[measure].meaning;
}

bool ms_stack_measure_is_bytes(enum ms_stack_measure measure) {
    return measure != MS_STACKS_BY_COUNT && measure != MS_STACKS_BY_TEMPORARY;
}

static void put_module_place(FILE *out, const struct ms_step *step) {
    if (step->module && step->module->path)
        ms_put_clean(out, ms_base_name(step->module->path));
    else
        fputs("(unknown)", out);
    fprintf(out, "+0x%" PRIx64, step->module_offset);
}

// A name that the program gave is not a function's.
void ms_put_owner_name(FILE *out, const char *name) {
    if (strchr(name, '('))
        ms_put_function(out, name);
    else
        ms_put_clean(out, name);
}

static const char *prefix_of(const struct ms_step *step) {
    return step->kind == MS_STEP_AWAIT   ? "awaits: "
           : step->kind == MS_STEP_SPAWN ? "spawned by "
                                         : "";
}

void ms_put_step_whole_name(FILE *out, const struct ms_step *step) {
    if (step->kind >= MS_STEP_TASK || !step->function) {
        ms_put_step_name(out, step);
        return;
    }
    fputs(prefix_of(step), out);
    ms_put_clean(out, step->function);
}

void ms_put_step_name(FILE *out, const struct ms_step *step) {
    static const char *const missing[] = {
        [MS_STEP_CUT] = "[stack cut at the depth asked for]",
        [MS_STEP_BROKEN] = "[stack not known further]",
        [MS_STEP_FOREIGN] = "[stack of an unknown place]",
        [MS_STEP_HIDDEN] = "[all frames hidden]",
        [MS_STEP_WITHOUT] = "[counted by site alone]",
    };
    if (step->kind >= MS_STEP_CUT) {
        fputs(missing[step->kind], out);
    } else if (step->kind == MS_STEP_FOLDED) {
        fprintf(out, "[%s]", step->function);
    } else if (step->kind == MS_STEP_TASK) {
        fputs("task ", out);
        ms_put_owner_name(out, step->function);
    } else if (step->kind == MS_STEP_THREAD) {
        // Unnamed ones are called "thread 3".
        if (step->function && strncmp(step->function, "thread", strlen("thread")) != 0)
            fputs("thread ", out);
        ms_put_owner_name(out, step->function ? step->function : "several threads");
    } else {
        fputs(prefix_of(step), out);
        if (step->function)
            ms_put_function(out, step->function);
        else
            put_module_place(out, step);
    }
}

void ms_put_step_place(FILE *out, const struct ms_summary *summary, const struct ms_step *step) {
    if (step->kind >= MS_STEP_CUT)
        return;
    if (step->file)
        ms_put_file_line(out, summary, step->file, step->line);
    else if (step->kind >= MS_STEP_TASK && step->module)
        put_module_place(out, step);
    else if (step->function && step->module && step->module->path)
        ms_put_clean(out, ms_base_name(step->module->path));
}
