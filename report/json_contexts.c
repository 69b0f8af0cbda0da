// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts as JSON.

#include "json_parts.h"

#include <string.h>

#include "stacks_text.h"

static const char *const kinds[] = {
    [MS_STACK_CALL] = "stack",
    [MS_STACK_AWAIT] = "await",
    [MS_STACK_SPAWN] = "spawn",
};

// "libfoo.so+0x1f2c", "0x7f12" without a module.
static json_t *address_part(const struct ms_stack_frame *frame) {
    const struct ms_module *module = frame->module;
    char *clean = ms_clean(module && module->path ? ms_base_name(module->path) : "");
    json_t *value =
        clean ? json_sprintf("%s%s0x%" PRIx64, clean, *clean ? "+" : "", frame->module_offset)
              : NULL;
    free(clean);
    return value;
}

json_t *ms_json_frames(struct writer *writer, const struct ms_context *context) {
    json_t *frames = json_array();
    for (uint32_t i = 0; i < context->frame_count; i++) {
        const struct ms_stack_frame *frame = &context->frames[i];
        json_t *item = json_object();
        set(writer, item, "function", text_or_null(frame->function));
        set(writer, item, "file", text_or_null(frame->file));
        set(writer, item, "line", number_or_null(frame->line));
        set(writer, item, "column", number_or_null(frame->column));
        set(writer, item, "inlined", json_boolean(frame->inlined));
        set(writer, item, "module", frame->module ? number(frame->module->id) : json_null());
        set(writer, item, "kind", json_string(kinds[frame->kind]));
        if (!frame->function)
            set(writer, item, "address", address_part(frame));
        add(writer, frames, item);
    }
    return frames;
}

static json_t *context_part(struct writer *writer, const struct ms_context *context) {
    json_t *part = json_object();
    set(writer, part, "id", number(context->id));
    set(writer, part, "site", number(context->site->id));
    set(writer, part, "frames", ms_json_frames(writer, context));
    set(writer, part, "cut", json_boolean(context->flags & MEMSCOPE_CONTEXT_CUT));
    set(writer, part, "broken",
        json_boolean(context->flags & (MEMSCOPE_CONTEXT_BROKEN | MEMSCOPE_CONTEXT_FOREIGN_STACK)));
    set(writer, part, "task", text_or_null(context->task));
    set(writer, part, "thread", text_or_null(context->thread));
    ms_json_counts(writer, part, &context->counts);
    ms_json_estimate(writer, part, &context->counts);
    return part;
}

void ms_json_contexts(struct writer *writer, const struct ms_contexts *contexts,
                      const struct ms_site **sites, size_t site_count) {
    begin_array(writer, "contexts");
    for (size_t i = 0; contexts && i < site_count; i++) {
        size_t count;
        const struct ms_context *items = ms_contexts_of(contexts, sites[i], &count);
        for (size_t k = 0; k < count; k++)
            put_item(writer, context_part(writer, &items[k]));
    }
    end_array(writer);
}
