// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The profile as pprof's profile.proto, gzip: a sample for each context, of how many blocks and
// bytes were allocated and are in use, labelled with thread and task. Every message is packed as
// soon as it is made; what they name by number (strings, functions, locations, mappings) may come
// later in the file.

#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "ids.h"
#include "protobuf.h"
#include "sampling.h"
#include "stack_path.h"
#include "stack_views.h"

// Field numbers of profile.proto.
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE,
    PROFILE_MAPPING,
    PROFILE_LOCATION,
    PROFILE_FUNCTION,
    PROFILE_STRING_TABLE,
    PROFILE_TIME_NANOS = 9,
    PROFILE_DURATION_NANOS,
    PROFILE_COMMENT = 13,
    PROFILE_DEFAULT_SAMPLE_TYPE
};
enum { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT };
enum { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_STR };
enum {
    MAPPING_ID = 1,
    MAPPING_MEMORY_START,
    MAPPING_MEMORY_LIMIT,
    MAPPING_FILENAME = 5,
    MAPPING_BUILD_ID,
    MAPPING_HAS_FUNCTIONS,
    MAPPING_HAS_FILENAMES,
    MAPPING_HAS_LINE_NUMBERS,
    MAPPING_HAS_INLINE_FRAMES
};
enum { LOCATION_ID = 1, LOCATION_MAPPING_ID, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION_ID = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILENAME };

struct numbers {
    uint64_t *items;
    size_t length, capacity;
};

struct pprof {
    struct ms_gzip gzip;
    struct ms_stack_path path; // its steps, and what the filters say
    struct ms_ids strings, functions, locations, mappings;
    struct ms_protobuf message, part; // being written
    struct numbers *way, *key;        // of the sample and the location at hand
    struct numbers *known;            // by step: its function; 0 = not numbered yet
    uint64_t thread_key, task_key;
    bool failed; // out of memory
};

// --- numbers of things -------------------------------------------------------------------------

static uint64_t string_id(struct pprof *pprof, const char *text) {
    bool is_new;
    char *clean = ms_clean(text ? text : "");
    uint32_t id = clean ? ms_id_of(&pprof->strings, clean, strlen(clean), &is_new) : MS_NO_ID;
    free(clean);
    pprof->failed |= id == MS_NO_ID;
    return id;
}

// Packs the message at hand as a field of the profile.
static void pack(struct pprof *pprof, uint32_t field) {
    struct ms_protobuf outer = {0};
    ms_protobuf_message(&outer, field, &pprof->message);
    pprof->failed |= outer.failed || !ms_gzip_write(&pprof->gzip, outer.bytes, outer.length);
    ms_protobuf_release(&outer);
    ms_protobuf_clear(&pprof->message);
}

static void pack_number(struct pprof *pprof, uint32_t field, uint64_t value) {
    struct ms_protobuf outer = {0};
    ms_protobuf_number(&outer, field, value);
    pprof->failed |= outer.failed || !ms_gzip_write(&pprof->gzip, outer.bytes, outer.length);
    ms_protobuf_release(&outer);
}

static uint64_t function_id(struct pprof *pprof, const struct ms_step *step) {
    char *name = NULL;
    size_t bytes = 0;
    bool is_new;
    FILE *stream = step->function ? NULL : open_memstream(&name, &bytes);
    if (stream) {
        ms_put_step_whole_name(stream, step);
        pprof->failed |= fclose(stream) != 0;
    }
    uint64_t key[] = {string_id(pprof, step->function ? step->function : name),
                      string_id(pprof, step->file)};
    free(name);
    uint64_t id = (uint64_t)ms_id_of(&pprof->functions, key, sizeof key, &is_new) + 1;
    if (!is_new)
        return id;
    ms_protobuf_number(&pprof->message, FUNCTION_ID, id);
    ms_protobuf_number(&pprof->message, FUNCTION_NAME, key[0]);
    ms_protobuf_number(&pprof->message, FUNCTION_SYSTEM_NAME, key[0]);
    ms_protobuf_number(&pprof->message, FUNCTION_FILENAME, key[1]);
    pack(pprof, PROFILE_FUNCTION);
    return id;
}

static uint64_t mapping_id(struct pprof *pprof, const struct ms_module *module) {
    bool is_new;
    if (!module)
        return 0;
    uint64_t id = (uint64_t)ms_id_of(&pprof->mappings, &module, sizeof(void *), &is_new) + 1;
    if (!is_new)
        return id;
    char *build_id = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&build_id, &bytes);
    if (stream) {
        ms_put_build_id(stream, module);
        pprof->failed |= fclose(stream) != 0;
    }
    struct ms_protobuf *message = &pprof->message;
    ms_protobuf_number(message, MAPPING_ID, id);
    ms_protobuf_number(message, MAPPING_MEMORY_START, module->map_start);
    ms_protobuf_number(message, MAPPING_MEMORY_LIMIT, module->map_end);
    ms_protobuf_number(message, MAPPING_FILENAME, string_id(pprof, module->path));
    ms_protobuf_number(message, MAPPING_BUILD_ID, string_id(pprof, build_id));
    // Else a reader would look for symbols of its own.
    for (uint32_t field = MAPPING_HAS_FUNCTIONS; field <= MAPPING_HAS_INLINE_FRAMES; field++)
        ms_protobuf_number(message, field, 1);
    free(build_id);
    pack(pprof, PROFILE_MAPPING);
    return id;
}

// --- samples -----------------------------------------------------------------------------------

static void push(struct pprof *pprof, struct numbers *numbers, uint64_t number) {
    if (numbers->length == numbers->capacity) {
        size_t capacity = numbers->capacity ? 2 * numbers->capacity : 128;
        uint64_t *items = realloc(numbers->items, capacity * sizeof *items);
        if (!items) {
            pprof->failed = true;
            return;
        }
        numbers->items = items;
        numbers->capacity = capacity;
    }
    numbers->items[numbers->length++] = number;
}

// 0 = out of memory.
static uint64_t function_of(struct pprof *pprof, const struct ms_stack_frame *frame) {
    uint32_t step = ms_step_of_frame(&pprof->path.steps, frame);
    pprof->failed |= step == MS_NO_STEP;
    while (!pprof->failed && pprof->known->length <= step)
        push(pprof, pprof->known, 0);
    if (pprof->failed)
        return 0;
    if (pprof->known->items[step] == 0)
        pprof->known->items[step] = function_id(pprof, &pprof->path.steps.items[step]);
    return pprof->known->items[step];
}

// One address: a function and what it was inlined into. `key` is mapping, address, then for each a
// function and a line.
static void push_location(struct pprof *pprof, const uint64_t *key, size_t length) {
    bool is_new;
    uint64_t id = (uint64_t)ms_id_of(&pprof->locations, key, length * sizeof *key, &is_new) + 1;
    push(pprof, pprof->way, id);
    if (!is_new)
        return;
    ms_protobuf_number(&pprof->message, LOCATION_ID, id);
    ms_protobuf_number(&pprof->message, LOCATION_MAPPING_ID, key[0]);
    ms_protobuf_number(&pprof->message, LOCATION_ADDRESS, key[1]);
    for (size_t i = 2; i < length; i += 2) {
        ms_protobuf_clear(&pprof->part);
        ms_protobuf_number(&pprof->part, LINE_FUNCTION_ID, key[i]);
        ms_protobuf_number(&pprof->part, LINE_LINE, key[i + 1]);
        ms_protobuf_message(&pprof->message, LOCATION_LINE, &pprof->part);
    }
    pack(pprof, PROFILE_LOCATION);
}

static void push_kind(struct pprof *pprof, enum ms_step_kind kind) {
    const struct ms_step step = {.kind = kind};
    const uint64_t key[] = {0, 0, function_id(pprof, &step), 0};
    push_location(pprof, key, sizeof key / sizeof *key);
}

static bool hides(struct pprof *pprof, const struct ms_stack_frame *frame) {
    return pprof->path.options->filters.hide && ms_stack_path_hides(&pprof->path, frame);
}

// The frames of one address, the innermost at `first`. Returns the one behind them.
static uint32_t push_frames(struct pprof *pprof, const struct ms_context *context, uint32_t first) {
    const struct ms_stack_frame *frame = ms_context_frame(context, first);
    uint32_t end = first + 1, shown = first;
    while (end < context->frame_count && ms_context_frame(context, end - 1)->inlined)
        end++;
    while (shown < end && hides(pprof, ms_context_frame(context, shown)))
        shown++;
    if (shown == end)
        return end;
    // The call, not the address it returns to.
    uint64_t bias = frame->module ? frame->module->load_bias : 0;
    pprof->key->length = 0;
    push(pprof, pprof->key, mapping_id(pprof, frame->module));
    push(pprof, pprof->key, frame->module_offset ? bias + frame->module_offset - 1 : 0);
    for (uint32_t i = shown; i < end; i++) {
        if (hides(pprof, ms_context_frame(context, i)))
            continue;
        push(pprof, pprof->key, function_of(pprof, ms_context_frame(context, i)));
        push(pprof, pprof->key, ms_context_frame(context, i)->line);
    }
    if (!pprof->failed)
        push_location(pprof, pprof->key->items, pprof->key->length);
    return end;
}

static void put_label(struct pprof *pprof, uint64_t key, const char *text) {
    if (!text)
        return;
    ms_protobuf_clear(&pprof->part);
    ms_protobuf_number(&pprof->part, LABEL_KEY, key);
    ms_protobuf_number(&pprof->part, LABEL_STR, string_id(pprof, text));
    ms_protobuf_message(&pprof->message, SAMPLE_LABEL, &pprof->part);
}

static void put_sample(struct pprof *pprof, const struct ms_counts *counts, const char *thread,
                       const char *task) {
    const uint64_t values[] = {counts->allocations, counts->bytes, counts->live_allocations,
                               counts->live_bytes};
    ms_protobuf_numbers(&pprof->message, SAMPLE_LOCATION_ID, pprof->way->items, pprof->way->length);
    ms_protobuf_numbers(&pprof->message, SAMPLE_VALUE, values, sizeof values / sizeof *values);
    put_label(pprof, pprof->thread_key, thread);
    put_label(pprof, pprof->task_key, task);
    pack(pprof, PROFILE_SAMPLE);
}

static bool passes(struct pprof *pprof, const struct ms_context *context) {
    bool keep = true;
    if (ms_filters_first(&pprof->path.options->filters))
        pprof->failed |= !ms_stack_path_take(&pprof->path, context, &keep);
    return keep && !pprof->failed;
}

static void put_context(struct pprof *pprof, const struct ms_context *context) {
    enum ms_step_kind missing;
    uint32_t missing_at = ms_stack_missing(context, &missing);
    if (!passes(pprof, context))
        return;
    pprof->way->length = 0;
    for (uint32_t i = 0; i < context->frame_count;) {
        if (i == missing_at)
            push_kind(pprof, missing);
        i = push_frames(pprof, context, i);
    }
    if (missing_at == context->frame_count)
        push_kind(pprof, missing);
    if (pprof->way->length == 0)
        push_kind(pprof, ms_stack_nothing_left(context));
    put_sample(pprof, &context->counts, context->thread, context->task);
}

// --- the whole ---------------------------------------------------------------------------------

// Ends a comment that ms_line_begin began.
static void put_comment(struct pprof *pprof, struct ms_line *comment) {
    bool good = comment->stream && fclose(comment->stream) == 0;
    if (good)
        pack_number(pprof, PROFILE_COMMENT, string_id(pprof, comment->text));
    pprof->failed |= !good;
    free(comment->text);
}

static void put_comments(struct pprof *pprof, const struct ms_summary *summary) {
    const struct ms_stack_filters *filters = &pprof->path.options->filters;
    struct ms_line comment;
    if (ms_sites_are_estimated(summary)) {
        if (ms_line_begin(&comment))
            ms_put_estimates_comment(comment.stream, summary);
        put_comment(pprof, &comment);
    }
    if (ms_filters_first(filters)) {
        if (ms_line_begin(&comment))
            ms_put_filters_comment(comment.stream, filters);
        put_comment(pprof, &comment);
    }
}

static void put_head(struct pprof *pprof, const struct ms_summary *summary) {
    static const char *const types[][2] = {{"alloc_objects", "count"},
                                           {"alloc_space", "bytes"},
                                           {"inuse_objects", "count"},
                                           {"inuse_space", "bytes"}};
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    enum ms_process_state state = ms_profile_process_state(summary->profile);
    string_id(pprof, ""); // number 0 by definition
    pprof->thread_key = string_id(pprof, "thread");
    pprof->task_key = string_id(pprof, "task");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ms_protobuf_number(&pprof->message, VALUE_TYPE_TYPE, string_id(pprof, types[i][0]));
        ms_protobuf_number(&pprof->message, VALUE_TYPE_UNIT, string_id(pprof, types[i][1]));
        pack(pprof, PROFILE_SAMPLE_TYPE);
    }
    pack_number(pprof, PROFILE_DEFAULT_SAMPLE_TYPE, string_id(pprof, "inuse_space"));
    pack_number(pprof, PROFILE_TIME_NANOS, header->start_realtime_ns);
    pack_number(pprof, PROFILE_DURATION_NANOS, ms_profile_duration_ns(summary->profile, state));
    put_comments(pprof, summary);
    // The first mapping is the program, by convention.
    for (size_t i = 0; i < summary->module_count; i++)
        if (summary->modules[i].id == header->main_module_ref)
            mapping_id(pprof, &summary->modules[i]);
}

static void put_strings(struct pprof *pprof) {
    struct ms_protobuf outer = {0};
    for (uint32_t id = 0; id < pprof->strings.count; id++) {
        size_t begin = id ? pprof->strings.ends[id - 1] : 0;
        ms_protobuf_bytes(&outer, PROFILE_STRING_TABLE, pprof->strings.keys + begin,
                          pprof->strings.ends[id] - begin);
    }
    pprof->failed |= outer.failed || !ms_gzip_write(&pprof->gzip, outer.bytes, outer.length);
    ms_protobuf_release(&outer);
}

memscope_status ms_put_pprof(const struct ms_contexts *contexts,
                             const struct ms_stack_filters *filters, FILE *out) {
    const struct ms_stack_options options = {
        .keep_recursion = true,
        .keep_plumbing = true,
        .filters = filters ? *filters : (struct ms_stack_filters){0},
    };
    struct numbers way = {0}, key = {0}, known = {0};
    struct pprof pprof = {.path.options = &options, .way = &way, .key = &key, .known = &known};
    if (!ms_gzip_begin(&pprof.gzip, out))
        return MEMSCOPE_OUT_OF_MEMORY;
    put_head(&pprof, contexts->summary);
    for (size_t i = 0; i < contexts->count && !pprof.failed; i++)
        if (ms_stack_has_value(&contexts->items[i].counts))
            put_context(&pprof, &contexts->items[i]);
    if (ms_filters_pass_stackless(&options.filters) && ms_stack_has_value(&contexts->without)) {
        way.length = 0;
        push_kind(&pprof, MS_STEP_WITHOUT);
        put_sample(&pprof, &contexts->without, NULL, NULL);
    }
    put_strings(&pprof);
    bool good = ms_gzip_end(&pprof.gzip) && !pprof.failed && !pprof.message.failed;
    free(pprof.path.steps.items);
    ms_stack_path_release(&pprof.path);
    ms_ids_release(&pprof.strings);
    ms_ids_release(&pprof.functions);
    ms_ids_release(&pprof.locations);
    ms_ids_release(&pprof.mappings);
    ms_protobuf_release(&pprof.message);
    ms_protobuf_release(&pprof.part);
    free(way.items);
    free(key.items);
    free(known.items);
    return good ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
}
