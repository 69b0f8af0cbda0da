// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stacks in text: recursion folded, long ones shortened.

#include "stacks_text.h"

#include "environment.h"
#include "stack_tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// --- folding -----------------------------------------------------------------------------------

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_frame(const struct ms_stack_frame *a, const struct ms_stack_frame *b) {
    return a->kind == b->kind && a->line == b->line && same_text(a->function, b->function) &&
           same_text(a->file, b->file) &&
           (a->function || (a->module == b->module && a->module_offset == b->module_offset));
}

static bool same_frames(const struct ms_stack_frame *a, const struct ms_stack_frame *b,
                        uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!same_frame(&a[i], &b[i]))
            return false;
    return true;
}

static uint32_t count_times(const struct ms_stack_frame *frames, uint32_t frame_count,
                            uint32_t length) {
    uint32_t times = 1;
    while ((times + 1) * length <= frame_count &&
           same_frames(frames, frames + (size_t)times * length, length))
        times++;
    return times;
}

uint32_t ms_fold_stack(const struct ms_stack_frame *frames, uint32_t frame_count,
                       struct ms_fold *folds_out) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < frame_count;) {
        struct ms_fold best = {at, 1, 1};
        for (uint32_t length = 1; length <= MS_FOLD_MOST && at + length <= frame_count; length++) {
            uint32_t times = count_times(frames + at, frame_count - at, length);
            if (times > 1 && times * length > best.times * best.length)
                best = (struct ms_fold){at, length, times};
        }
        folds_out[count++] = best;
        at += best.length * best.times;
    }
    return count;
}

// --- one stack ---------------------------------------------------------------------------------

uint32_t ms_stack_shown(const struct ms_context *context) {
    for (uint32_t i = 0; i < context->frame_count; i++) {
        const char *file = ms_context_frame(context, i)->file;
        if (ms_context_frame(context, i)->kind == MS_STACK_CALL && file && !ms_is_system_file(file))
            return i;
    }
    return 0;
}

static void put_frame(FILE *out, const struct ms_summary *summary,
                      const struct ms_stack_frame *frame) {
    if (frame->kind == MS_STACK_FOLDED) {
        fprintf(out, "%s: %" PRIu32 " frame%s", frame->function, frame->line,
                frame->line == 1 ? "" : "s");
        return;
    }
    if (frame->kind == MS_STACK_AWAIT)
        fputs("awaited by ", out);
    else if (frame->kind == MS_STACK_SPAWN)
        fputs("started at ", out);
    if (frame->file) {
        ms_put_file_line(out, summary, frame->file, frame->line);
    } else {
        const struct ms_module *module = frame->module;
        ms_put_clean(out, module && module->path ? ms_base_name(module->path) : "(unknown)");
        if (!frame->function && frame->module_offset > 0)
            fprintf(out, "+0x%" PRIx64, frame->module_offset);
    }
    if (frame->function) {
        fputc(' ', out);
        ms_put_function(out, frame->function);
    }
}

static memscope_status put_fold(FILE *out, const struct ms_summary *summary,
                                const struct ms_stack_frame *frames, const struct ms_fold *fold,
                                const char *head, unsigned width) {
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (!stream)
        return MEMSCOPE_OUT_OF_MEMORY;
    fprintf(stream, "%12s  ", head);
    for (uint32_t i = 0; i < fold->length; i++) {
        fputs(i ? " <- " : "", stream);
        put_frame(stream, summary, &frames[fold->first + i]);
    }
    if (fold->times > 1)
        fprintf(stream, "  ×%" PRIu32, fold->times);
    return ms_line_end(&line, out, width);
}

static void put_left_out(FILE *out, uint32_t count) {
    if (count > 0)
        fprintf(out, "%12s  … %" PRIu32 " frame%s\n", "", count, count == 1 ? "" : "s");
}

uint32_t ms_fold_plumbing(const struct ms_stack_frame *frames, uint32_t frame_count,
                          struct ms_stack_frame *folded_out) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < frame_count; i++) {
        const char *library = i > 0 && frames[i].kind != MS_STACK_SPAWN
                                  ? ms_plumbing_of_function(frames[i].function)
                                  : NULL;
        struct ms_stack_frame *last = count > 0 ? &folded_out[count - 1] : NULL;
        bool goes_on =
            last && last->kind == MS_STACK_FOLDED &&
            (library ? last->function == library
                     : frames[i].kind != MS_STACK_SPAWN && ms_is_plumbing_glue(frames[i].function));
        if (goes_on)
            last->line++;
        else if (!library)
            folded_out[count++] = frames[i];
        else
            folded_out[count++] =
                (struct ms_stack_frame){.kind = MS_STACK_FOLDED, .function = library, .line = 1};
    }
    return count;
}

// A stack as it is shown.
struct shown {
    struct ms_stack_frame *frames;
    struct ms_fold *folds;
    uint32_t frame_count;
    size_t fold_count;
};

// From `first` on, without what is skipped behind that, which is a fold of its own.
static bool choose_shown(const struct ms_context *context, const struct ms_stack_lines *lines,
                         struct shown *shown) {
    uint32_t count = context->frame_count > lines->first ? context->frame_count - lines->first : 0;
    shown->frames = calloc(count + (size_t)1, sizeof *shown->frames);
    shown->folds = calloc(count + (size_t)1, sizeof *shown->folds);
    if (!shown->frames || !shown->folds)
        return false;
    for (uint32_t i = 0; i < count; i++)
        shown->frames[i] = *ms_context_frame(context, lines->first + i);
    if (lines->skipped > 0 && count > lines->skipped) {
        count -= lines->skipped;
        memmove(shown->frames + 1, shown->frames + 1 + lines->skipped,
                (count - 1) * sizeof *shown->frames);
    }
    if (!lines->plumbing)
        count = ms_fold_plumbing(shown->frames, count, shown->frames);
    uint32_t from = lines->skipped > 0 && count > 0 ? 1 : 0;
    if (from > 0)
        shown->folds[0] = (struct ms_fold){0, 1, 1};
    shown->frame_count = count;
    shown->fold_count =
        from + ms_fold_stack(shown->frames + from, count - from, shown->folds + from);
    for (size_t i = from; i < shown->fold_count; i++)
        shown->folds[i].first += from;
    return true;
}

static uint32_t frames_between(const struct shown *shown, uint32_t from, uint32_t to) {
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++)
        count += shown->frames[i].kind == MS_STACK_FOLDED ? shown->frames[i].line : 1;
    return count;
}

static memscope_status put_shown(FILE *out, const struct ms_summary *summary,
                                 const struct shown *shown, const struct ms_stack_lines *lines) {
    size_t count = shown->fold_count, left_from = count, left_to = count;
    if (lines->most > 2 && count > lines->most) { // one line says so, one is the outermost
        left_from = lines->most - 2;
        left_to = count - 1;
    }
    memscope_status status = MEMSCOPE_OK;
    for (size_t i = 0; i < count && status == MEMSCOPE_OK; i++) {
        if (i == 1)
            put_left_out(out, lines->skipped);
        if (i == left_from) {
            put_left_out(out, frames_between(shown, shown->folds[left_from].first,
                                             shown->folds[left_to].first));
            i = left_to;
        }
        status = put_fold(out, summary, shown->frames, &shown->folds[i], i ? "" : lines->head,
                          lines->width);
    }
    return status;
}

// As the tree says it.
static void put_all_hidden(FILE *out, const char *head) {
    fprintf(out, "%12s  ", head);
    ms_put_step_name(out, &(struct ms_step){.kind = MS_STEP_HIDDEN});
    fputc('\n', out);
}

memscope_status ms_put_stack(FILE *out, const struct ms_summary *summary,
                             const struct ms_context *context, const struct ms_stack_lines *lines) {
    struct shown shown = {0};
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    if (choose_shown(context, lines, &shown)) {
        if (lines->all_hidden)
            put_all_hidden(out, lines->head);
        else if (shown.fold_count == 0)
            fprintf(out, "%12s  (no stack)\n", lines->head);
        status = put_shown(out, summary, &shown, lines);
        if (context->flags & MEMSCOPE_CONTEXT_CUT)
            fprintf(out, "%12s  … cut at the depth asked for\n", "");
        else if (context->flags & (MEMSCOPE_CONTEXT_BROKEN | MEMSCOPE_CONTEXT_FOREIGN_STACK))
            fprintf(out, "%12s  … not known further\n", "");
    }
    free(shown.frames);
    free(shown.folds);
    return status;
}
