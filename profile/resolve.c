// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names for foreign sites, from the symbols of the modules they stand in.

#include "internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MOST 64 // of one site

// One list of all that has to be freed.
struct block {
    struct block *next;
    max_align_t content[];
};

struct ms_symbols {
    struct block *blocks;
};

static void *take(struct ms_symbols *symbols, size_t bytes) {
    struct block *block = malloc(sizeof *block + bytes);
    if (!block)
        return NULL;
    block->next = symbols->blocks;
    symbols->blocks = block;
    return block->content;
}

void ms_symbols_destroy(struct ms_symbols *symbols) {
    while (symbols && symbols->blocks) {
        struct block *block = symbols->blocks;
        symbols->blocks = block->next;
        free(block);
    }
    free(symbols);
}

// NULL for what is not known.
static const char *keep_text(struct ms_symbols *symbols, const json_t *value) {
    const char *text = json_string_value(value);
    if (!text || !*text || strcmp(text, "??") == 0)
        return NULL;
    char *copy = take(symbols, strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static uint32_t get_number(const json_t *symbol, const char *key) {
    json_int_t value = json_integer_value(json_object_get(symbol, key));
    return value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

// {"Symbol": [{"FunctionName": "f", "FileName": "a.c", "Line": 1, "Column": 2, ...}, ...], ...}
static void take_answer(struct ms_symbols *symbols, const char *answer, struct ms_site *site) {
    json_t *whole = json_loads(answer, 0, NULL);
    const json_t *list = json_object_get(whole, "Symbol");
    size_t count = json_array_size(list);
    if (count > FRAMES_MOST)
        count = FRAMES_MOST;
    struct ms_frame *frames = count ? take(symbols, count * sizeof *frames) : NULL;
    for (size_t i = 0; frames && i < count; i++) {
        const json_t *symbol = json_array_get(list, i);
        frames[i] = (struct ms_frame){
            .function = keep_text(symbols, json_object_get(symbol, "FunctionName")),
            .file = keep_text(symbols, json_object_get(symbol, "FileName")),
            .line = get_number(symbol, "Line"),
            .column = get_number(symbol, "Column"),
        };
    }
    if (frames && (count > 1 || frames[0].function || frames[0].file)) {
        site->symbols = frames;
        site->symbol_count = (uint32_t)count;
    }
    json_decref(whole);
}

static bool has_place(const struct ms_site *site) {
    return site->foreign && site->module && site->module_offset > 0;
}

// Whether each module is there, told once.
static bool *look_at_modules(const struct ms_summary *summary) {
    bool *there = calloc(summary->module_count + 1, sizeof *there);
    bool *asked = calloc(summary->module_count + 1, sizeof *asked);
    uint64_t start_ns = ms_profile_header(summary->profile)->start_realtime_ns;
    for (size_t i = 0; there && asked && i < summary->site_count; i++) {
        const struct ms_site *site = &summary->sites[i];
        size_t module = has_place(site) ? (size_t)(site->module - summary->modules) : 0;
        if (!has_place(site) || asked[module])
            continue;
        asked[module] = true;
        there[module] = ms_module_is_there(site->module, start_ns);
    }
    if (!asked) {
        free(there);
        there = NULL;
    }
    free(asked);
    return there;
}

// The sites that can be asked for, the heaviest first.
static size_t choose(const struct ms_summary *summary, const bool *there,
                     const struct ms_site **sites_out) {
    size_t count = 0;
    ms_summary_order(summary, MS_ORDER_AT_PEAK, sites_out);
    for (size_t i = 0; i < summary->site_count; i++)
        if (has_place(sites_out[i]) && there[sites_out[i]->module - summary->modules])
            sites_out[count++] = sites_out[i];
    return count;
}

static memscope_status ask(struct ms_summary *summary, const struct ms_site **sites, size_t count,
                           const struct ms_resolve_options *options) {
    uint64_t deadline_ns = ms_clock_ns(CLOCK_MONOTONIC) + (uint64_t)options->timeout_ms * 1000000u;
    struct ms_symbolizer *symbolizer = ms_symbolizer_start(options->symbolizer);
    if (!symbolizer)
        return MEMSCOPE_NOT_FOUND;
    for (size_t i = 0; i < count; i++) {
        struct ms_site *site = &summary->sites[sites[i] - summary->sites];
        // A return address stands behind its call, which may be the function's last instruction.
        const char *answer =
            ms_symbolizer_ask(symbolizer, site->module->path, site->module_offset - 1, deadline_ns);
        if (!answer)
            break;
        take_answer(summary->symbols, answer, site);
        if (options->progress)
            options->progress(options->context, i + 1, count);
    }
    ms_symbolizer_stop(symbolizer);
    return ms_find_user_frames(summary);
}

memscope_status ms_summary_resolve(struct ms_summary *summary,
                                   const struct ms_resolve_options *options) {
    bool *there = look_at_modules(summary);
    const struct ms_site **sites = calloc(summary->site_count + 1, sizeof *sites);
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    if (!summary->symbols)
        summary->symbols = calloc(1, sizeof *summary->symbols);
    if (there && sites && summary->symbols) {
        size_t count = choose(summary, there, sites);
        status = count ? ask(summary, sites, count, options) : MEMSCOPE_OK;
    }
    free(there);
    free(sites);
    return status;
}
