// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asks for names: the modules' files are looked for, then one llvm-symbolizer answers place by
// place.

#include "symbols.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// What demanglers write of the parts that a coroutine is split into: its author knows one function.
static const char *const coroutine_parts[] = {" (.resume)", " (.destroy)", " (.cleanup)"};

// NULL for what is not known.
static const char *keep_known(struct ms_symbols *symbols, const char *text) {
    return text && *text && strcmp(text, "??") != 0 ? ms_symbols_text(symbols, text) : NULL;
}

static const char *keep_function(struct ms_symbols *symbols, const json_t *value) {
    const char *whole = json_string_value(value);
    char *text = whole ? strdup(whole) : NULL;
    size_t length = text ? strlen(text) : 0;
    for (size_t i = 0; i < sizeof coroutine_parts / sizeof *coroutine_parts; i++) {
        size_t part = strlen(coroutine_parts[i]);
        if (length > part && strcmp(text + length - part, coroutine_parts[i]) == 0) {
            text[length - part] = '\0';
            break;
        }
    }
    if (text)
        ms_unescape_rust(text);
    const char *kept = keep_known(symbols, text);
    free(text);
    return kept;
}

static uint32_t get_number(const json_t *symbol, const char *key) {
    json_int_t value = json_integer_value(json_object_get(symbol, key));
    return value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

// {"Symbol": [{"FunctionName": "f", "FileName": "a.c", "Line": 1, "Column": 2, ...}, ...], ...}
static void take_answer(struct ms_symbols *symbols, const char *answer, struct ms_code *code) {
    json_t *whole = json_loads(answer, 0, NULL);
    const json_t *list = json_object_get(whole, "Symbol");
    size_t count = json_array_size(list);
    if (count > MS_SYMBOL_FRAMES_MOST)
        count = MS_SYMBOL_FRAMES_MOST;
    struct ms_frame *frames = count ? ms_arena_take(&symbols->arena, count * sizeof *frames) : NULL;
    for (size_t i = 0; frames && i < count; i++) {
        const json_t *symbol = json_array_get(list, i);
        frames[i] = (struct ms_frame){
            .function = keep_function(symbols, json_object_get(symbol, "FunctionName")),
            .file = keep_known(symbols, json_string_value(json_object_get(symbol, "FileName"))),
            .line = get_number(symbol, "Line"),
            .column = get_number(symbol, "Column"),
        };
    }
    code->known = whole != NULL;
    if (frames && (count > 1 || frames[0].function || frames[0].file)) {
        code->frames = frames;
        code->count = (uint32_t)count;
    }
    json_decref(whole);
}

const struct ms_module_file *ms_symbols_file(const struct ms_summary *summary, uint32_t module,
                                             const struct ms_resolve_options *options) {
    struct ms_module_file *file = &summary->symbols->files[module];
    if (!file->looked_at && options) {
        ms_module_file_find(&summary->modules[module], options->debug_paths,
                            ms_profile_header(summary->profile)->start_realtime_ns, file);
        // Another symbolizer may know better.
        if (options->symbolizer)
            file->tag = ms_mix(file->tag, ms_hash_text(options->symbolizer));
    }
    return file;
}

static memscope_status ask_for(const struct ms_summary *summary, struct ms_code **codes,
                               size_t count, const struct ms_resolve_options *options) {
    uint64_t deadline_ns = ms_clock_ns(CLOCK_MONOTONIC) + (uint64_t)options->timeout_ms * 1000000u;
    struct ms_symbolizer *symbolizer = ms_symbolizer_start(options->symbolizer);
    if (!symbolizer)
        return MEMSCOPE_NOT_FOUND;
    for (size_t i = 0; i < count; i++) {
        const char *path = ms_symbols_file(summary, codes[i]->module, NULL)->path;
        const char *answer = ms_symbolizer_ask(symbolizer, path, codes[i]->address, deadline_ns);
        if (!answer)
            break;
        take_answer(summary->symbols, answer, codes[i]);
        if (options->progress)
            options->progress(options->context, i + 1, count);
    }
    ms_symbolizer_stop(symbolizer);
    return MEMSCOPE_OK;
}

memscope_status ms_symbols_ask(const struct ms_summary *summary,
                               const struct ms_resolve_options *options) {
    struct ms_symbols *symbols = summary->symbols;
    if (!symbols->files) {
        symbols->files = calloc(summary->module_count + 1, sizeof *symbols->files);
        symbols->file_count = symbols->files ? summary->module_count : 0;
        if (symbols->files)
            ms_symbols_load(summary, options);
    }
    struct ms_code **codes = calloc(symbols->code_count + 1, sizeof *codes);
    size_t count = 0;
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    if (codes && symbols->files) {
        for (size_t i = 0; i < symbols->code_count; i++) {
            struct ms_code *code = &symbols->codes[i];
            if (!code->known && ms_symbols_file(summary, code->module, options)->path)
                codes[count++] = code;
        }
        status = count ? ask_for(summary, codes, count, options) : MEMSCOPE_OK;
        if (count && status == MEMSCOPE_OK)
            ms_symbols_save(summary);
    }
    free(codes);
    return status;
}
