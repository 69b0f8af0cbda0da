// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts as JSON.

#include "json_parts.h"

#include <stddef.h>
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

static json_t *frame_part(struct writer *writer, const struct ms_stack_frame *frame) {
    json_t *item = json_object();
    set_place(writer, item, frame->function, frame->file, frame->line);
    set(writer, item, "column", number_or_null(frame->column));
    set(writer, item, "inlined", json_boolean(frame->inlined));
    set(writer, item, "module", frame->module ? number(frame->module->id) : json_null());
    set(writer, item, "kind", json_string(kinds[frame->kind]));
    if (!frame->function)
        set(writer, item, "address", address_part(frame));
    return item;
}

json_t *ms_json_frames(struct writer *writer, const struct ms_context *context) {
    json_t *frames = json_array();
    for (uint32_t i = 0; i < context->frame_count; i++)
        add(writer, frames, frame_part(writer, ms_context_frame(context, i)));
    return frames;
}

// --- many of them ------------------------------------------------------------------------------

// A million contexts are written as text: as objects they would take a minute. What comes again and
// again is made once.
enum { NAMES = 64 };
struct texts {
    char **frames; // by number; NULL = not yet
    struct {
        const char *name;
        char *text;
    } names[NAMES]; // of tasks and threads, by address
};

static const char *text_of(struct writer *writer, json_t *value, char **text_out) {
    *text_out = value ? json_dumps(value, DUMP_FLAGS) : NULL;
    json_decref(value);
    if (*text_out)
        return *text_out;
    writer->failed = true;
    return "null";
}

static void put_frames(struct writer *writer, struct texts *texts,
                       const struct ms_context *context) {
    for (uint32_t i = 0; i < context->frame_count; i++) {
        const struct ms_stack_frame *frame = ms_context_frame(context, i);
        fputs(i ? ", " : "", writer->out);
        if (!context->frame_numbers) { // none of a profile's
            dump(writer, frame_part(writer, frame));
            continue;
        }
        char **known = &texts->frames[context->frame_numbers[i]];
        fputs(*known ? *known : text_of(writer, frame_part(writer, frame), known), writer->out);
    }
}

static void put_name(struct writer *writer, struct texts *texts, const char *key,
                     const char *name) {
    size_t at = (uintptr_t)name / sizeof(max_align_t) % NAMES;
    if (!name) {
        fprintf(writer->out, ", \"%s\": null", key);
        return;
    }
    if (texts->names[at].name != name) {
        free(texts->names[at].text);
        texts->names[at].name = name;
        (void)text_of(writer, text_or_null(name), &texts->names[at].text);
    }
    fprintf(writer->out, ", \"%s\": %s", key, texts->names[at].text ? texts->names[at].text : "");
}

static void put_counts(struct writer *writer, const struct ms_counts *counts) {
    for (const struct ms_json_count *member = ms_json_count_members; member->key; member++) {
        uint64_t value = ms_json_count(counts, member);
        if (member->is_peak && counts->is_estimated)
            fprintf(writer->out, ", \"%s\": null", member->key);
        else
            fprintf(writer->out, ", \"%s\": %" PRIu64, member->key,
                    value > INT64_MAX ? INT64_MAX : value);
    }
    fprintf(writer->out,
            ", \"estimated\": %s, \"error\": ", counts->is_estimated ? "true" : "false");
    if (counts->is_estimated)
        dump(writer, ms_json_error(writer, counts));
    else
        fputs("null", writer->out);
}

static void put_context(struct writer *writer, struct texts *texts,
                        const struct ms_context *context) {
    const uint8_t broken = MEMSCOPE_CONTEXT_BROKEN | MEMSCOPE_CONTEXT_FOREIGN_STACK;
    begin_item(writer);
    fprintf(writer->out, "{\"id\": %" PRIu32 ", \"site\": %" PRIu32 ", \"frames\": [", context->id,
            context->site->id);
    put_frames(writer, texts, context);
    fprintf(writer->out, "], \"cut\": %s, \"broken\": %s",
            context->flags & MEMSCOPE_CONTEXT_CUT ? "true" : "false",
            context->flags & broken ? "true" : "false");
    put_name(writer, texts, "task", context->task);
    put_name(writer, texts, "thread", context->thread);
    put_counts(writer, &context->counts);
    fputc('}', writer->out);
}

static void free_texts(struct texts *texts, uint32_t frame_count) {
    for (uint32_t i = 0; texts->frames && i < frame_count; i++)
        free(texts->frames[i]);
    for (size_t i = 0; i < NAMES; i++)
        free(texts->names[i].text);
    free(texts->frames);
}

void ms_json_contexts(struct writer *writer, const struct ms_contexts *contexts,
                      const struct ms_site **sites, size_t site_count) {
    struct texts texts = {0};
    begin_array(writer, "contexts");
    if (contexts && !(texts.frames = calloc(contexts->distinct_frames + (size_t)1, sizeof(char *))))
        writer->failed = true;
    for (size_t i = 0; texts.frames && i < site_count; i++) {
        size_t count;
        const struct ms_context *items = ms_contexts_of(contexts, sites[i], &count);
        for (size_t k = 0; k < count; k++)
            put_context(writer, &texts, &items[k]);
    }
    if (contexts)
        free_texts(&texts, contexts->distinct_frames);
    end_array(writer);
}

json_t *ms_json_context_keys(struct writer *writer, const struct ms_contexts *contexts) {
    if (!contexts)
        return json_null();
    const struct ms_profile *profile = contexts->summary->profile;
    json_t *part = json_object();
    set(writer, part, "bits", json_integer(64));
    set(writer, part, "count", number(contexts->key_count));
    set(writer, part, "collision_bound", json_real(ms_contexts_collision_bound(contexts)));
    set(writer, part, "verified", json_boolean(ms_keys_were_verified(profile)));
    return part;
}
