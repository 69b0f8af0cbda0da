// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a context's frames to its path: what the filters say, recursion folded, what is missing
// named.

#include "stack_path.h"

#include "environment.h"

#include <stdlib.h>

#define CYCLE_MOST 8 // functions that call each other in turns and are folded

enum { MARK_FOCUS = 1, MARK_IGNORE = 2, MARK_HIDE = 4, MARK_PLUMBING = 8, MARK_GLUE = 16 };

static bool push(struct ms_stack_path *path, uint32_t step) {
    if (step == MS_NO_STEP)
        return false;
    if (path->length == path->capacity) {
        size_t capacity = path->capacity ? 2 * path->capacity : 128;
        struct ms_stack_part *parts = realloc(path->parts, capacity * sizeof *parts);
        if (!parts)
            return false;
        path->parts = parts;
        path->capacity = capacity;
    }
    path->parts[path->length++] = (struct ms_stack_part){step, 1};
    return true;
}

static bool push_kind(struct ms_stack_path *path, enum ms_step_kind kind) {
    return push(path, ms_step_of(&path->steps, &(struct ms_step){.kind = kind}));
}

static uint8_t mark(const struct ms_step *step, const struct ms_stack_filter *filter,
                    uint8_t meaning) {
    return filter && ms_step_matches(step, &filter->regex) ? meaning : 0;
}

static bool mark_steps(struct ms_stack_path *path) {
    const struct ms_stack_options *options = path->options;
    const struct ms_stack_filters *filters = &options->filters;
    uint8_t *marks = realloc(path->marks, path->steps.capacity);
    if (!marks)
        return false;
    path->marks = marks;
    for (; path->marked < path->steps.count; path->marked++) {
        const struct ms_step *step = &path->steps.items[path->marked];
        marks[path->marked] = mark(step, filters->focus, MARK_FOCUS) |
                              mark(step, filters->ignore, MARK_IGNORE) |
                              mark(step, filters->hide, MARK_HIDE);
        if (options->keep_plumbing || step->kind >= MS_STEP_SPAWN)
            continue;
        if (ms_plumbing_of_function(step->function))
            marks[path->marked] |= MARK_PLUMBING;
        else if (ms_is_plumbing_glue(step->function))
            marks[path->marked] |= MARK_GLUE;
    }
    return true;
}

// The end of the path and what stood before it turn in the same circle: one of the two is enough.
static bool is_turn(const struct ms_stack_path *path, size_t period) {
    const struct ms_stack_part *parts = path->parts + path->length - 2 * period;
    for (size_t i = 0; i < period; i++) {
        const struct ms_step *a = &path->steps.items[parts[i].step],
                             *b = &path->steps.items[parts[period + i].step];
        if ((a->kind > MS_STEP_AWAIT && a->kind != MS_STEP_FOLDED) ||
            a->function_step != b->function_step)
            return false;
    }
    return true;
}

static void fold_turns(struct ms_stack_path *path) {
    for (size_t period = 1; period <= CYCLE_MOST && 2 * period <= path->length; period++) {
        if (!is_turn(path, period))
            continue;
        struct ms_stack_part *kept = path->parts + path->length - 2 * period;
        for (size_t i = 0; i < period; i++)
            kept[i].repeats += kept[period + i].repeats;
        path->length -= period;
        return;
    }
}

uint32_t ms_stack_missing(const struct ms_context *context, enum ms_step_kind *kind_out) {
    uint32_t at = context->frame_count;
    *kind_out = MS_STEP_CUT;
    if (context->flags & MEMSCOPE_CONTEXT_FOREIGN_STACK)
        *kind_out = MS_STEP_FOREIGN;
    else if (context->flags & MEMSCOPE_CONTEXT_BROKEN)
        *kind_out = MS_STEP_BROKEN;
    else if (!(context->flags & MEMSCOPE_CONTEXT_CUT))
        return UINT32_MAX;
    if (at == 0 || ms_context_frame(context, at - 1)->kind != MS_STACK_SPAWN)
        return at;
    while (at > 0 && ms_context_frame(context, at - 1)->kind != MS_STACK_CALL)
        at--;
    return at;
}

static bool is_folded(const struct ms_stack_path *path) {
    return path->length > 0 &&
           path->steps.items[path->parts[path->length - 1].step].kind == MS_STEP_FOLDED;
}

// In place of the frames of an executor.
static bool push_folded(struct ms_stack_path *path, const char *library) {
    uint32_t step =
        ms_step_of(&path->steps, &(struct ms_step){.kind = MS_STEP_FOLDED, .function = library});
    return (is_folded(path) && path->parts[path->length - 1].step == step) || push(path, step);
}

enum ms_step_kind ms_stack_nothing_left(const struct ms_context *context) {
    return context->frame_count ? MS_STEP_HIDDEN : MS_STEP_BROKEN;
}

static bool passes(const struct ms_stack_filters *filters, uint8_t seen) {
    return (!filters->focus || seen & MARK_FOCUS) && !(seen & MARK_IGNORE);
}

bool ms_filters_pass_stackless(const struct ms_stack_filters *filters) {
    return passes(filters, 0);
}

// Innermost first. *keep_out: whether the filters let it pass.
static bool take_frames(struct ms_stack_path *path, const struct ms_context *context,
                        bool *keep_out) {
    const struct ms_stack_options *options = path->options;
    enum ms_step_kind missing;
    uint32_t missing_at = ms_stack_missing(context, &missing);
    uint8_t seen = 0; // of all frames
    bool any = false;
    path->length = 0;
    for (uint32_t i = 0; i < context->frame_count; i++) {
        const struct ms_stack_frame *frame = ms_context_frame(context, i);
        if (i == missing_at && !push_kind(path, missing))
            return false;
        uint32_t step = ms_step_of_frame(&path->steps, frame);
        if (step == MS_NO_STEP || (path->marked < path->steps.count && !mark_steps(path)))
            return false;
        uint8_t marks = path->marks[step];
        seen |= marks;
        if (marks & MARK_HIDE)
            continue;
        any = true;
        if (options->view == MS_STACKS_TASKS && frame->kind == MS_STACK_SPAWN)
            continue; // the root says it
        if (marks & MARK_GLUE && is_folded(path))
            continue;
        if (i > 0 && marks & MARK_PLUMBING) {
            if (!push_folded(path, ms_plumbing_of_function(frame->function)))
                return false;
            continue;
        }
        if (options->by_function)
            step = path->steps.items[step].function_step;
        if (!push(path, step))
            return false;
        if (!options->keep_recursion)
            fold_turns(path);
    }
    *keep_out = passes(&options->filters, seen);
    return (missing_at != context->frame_count || push_kind(path, missing)) &&
           (any || path->length > 0 || push_kind(path, ms_stack_nothing_left(context)));
}

// The frame of the place where the outermost task or the thread was started, in its author's words.
static const struct ms_stack_frame *spawn_frame(const struct ms_context *context) {
    const struct ms_stack_frame *spawn = NULL;
    for (uint32_t i = context->frame_count; i > 0; i--) {
        const struct ms_stack_frame *frame = ms_context_frame(context, i - 1);
        if (frame->kind != MS_STACK_SPAWN)
            break;
        // The innermost of those that are no library's.
        if (!spawn || (frame->file && !ms_is_system_file(frame->file)))
            spawn = frame;
    }
    return spawn;
}

static bool push_task(struct ms_stack_path *path, const struct ms_context *context) {
    const struct ms_stack_frame *spawn = spawn_frame(context);
    struct ms_step step = {.kind = context->task ? MS_STEP_TASK : MS_STEP_THREAD,
                           .function = context->task ? context->task : context->thread};
    for (uint32_t i = 0; i < context->frame_count; i++)
        if (ms_context_frame(context, i)->kind == MS_STACK_AWAIT &&
            ms_context_frame(context, i)->function &&
            (path->options->keep_plumbing ||
             !ms_plumbing_of_function(ms_context_frame(context, i)->function))) {
            step.kind = MS_STEP_TASK;
            step.function = ms_context_frame(context, i)->function;
        }
    if (spawn) {
        step.file = spawn->file;
        step.line = spawn->line;
        step.module = spawn->file ? NULL : spawn->module;
        step.module_offset = spawn->file ? 0 : spawn->module_offset;
    }
    return push(path, ms_step_of(&path->steps, &step));
}

bool ms_stack_path_take(struct ms_stack_path *path, const struct ms_context *context,
                        bool *keep_out) {
    return take_frames(path, context, keep_out) &&
           (path->options->view != MS_STACKS_TASKS || push_task(path, context));
}

bool ms_stack_path_hides(struct ms_stack_path *path, const struct ms_stack_frame *frame) {
    uint32_t step = ms_step_of_frame(&path->steps, frame); // known: nothing can fail
    return step < path->marked && path->marks[step] & MARK_HIDE;
}

bool ms_stack_path_take_kind(struct ms_stack_path *path, enum ms_step_kind kind) {
    path->length = 0;
    return push_kind(path, kind);
}

void ms_stack_path_release(struct ms_stack_path *path) {
    ms_steps_release(&path->steps);
    free(path->marks);
    free(path->parts);
}
