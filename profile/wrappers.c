// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The section `.memscope`: texts, each ended by a zero byte, of fields that tabs separate:
//
//   W function file [line column]
//   C function file line column type bytes variable
//
// It comes from a file that may be anything: what is no such text is passed over.

#include "wrappers.h"
#include "grow.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MOST 8

// Of libraries that are seldom compiled with the plugin, and what many programs call theirs.
// Sorted.
static const char *const known_names[] = {
    "CRYPTO_malloc",   "CRYPTO_realloc", "CRYPTO_zalloc",   "PyMem_Calloc", "PyMem_Malloc",
    "PyMem_RawMalloc", "PyMem_Realloc",  "PyObject_Malloc", "g_malloc",     "g_malloc0",
    "g_malloc0_n",     "g_malloc_n",     "g_memdup2",       "g_realloc",    "g_realloc_n",
    "g_slice_alloc",   "g_slice_alloc0", "g_strdup",        "g_strndup",    "g_try_malloc",
    "g_try_malloc0",   "g_try_realloc",  "xcalloc",         "xmalloc",      "xmemdup",
    "xrealloc",        "xstrdup",        "xstrndup",        "xzalloc",      "zcalloc",
    "zmalloc",         "zrealloc",
};

struct named {
    const char *function, *file; // file: "" = any
    uint32_t line, column;       // of the one call that passes on; line 0 = all do
};

struct ms_wrappers {
    struct named *functions; // by name
    size_t function_count, function_capacity;
    struct ms_wrapper_call *calls; // by place
    size_t call_count, call_capacity;
};

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// "get" of "int* pool::Arena::get(unsigned long)": as long as what it is compared with.
static int compare_functions(const char *a, const char *b) {
    const char *a_begin, *b_begin;
    size_t a_length = (size_t)(ms_function_name(a, &a_begin) - a_begin);
    size_t b_length = (size_t)(ms_function_name(b, &b_begin) - b_begin);
    size_t length = a_length < b_length ? a_length : b_length;
    int difference = memcmp(a_begin, b_begin, length);
    return difference ? difference : compare_numbers(a_length, b_length);
}

static int compare_named(const void *left, const void *right) {
    const struct named *a = left, *b = right;
    return compare_functions(a->function, b->function);
}

static int compare_places(const void *left, const void *right) {
    const struct ms_wrapper_call *a = left, *b = right;
    int difference = compare_numbers(a->line, b->line);
    if (difference == 0)
        difference = compare_numbers(a->column, b->column);
    if (difference == 0)
        difference = strcmp(base_name(a->file), base_name(b->file));
    return difference ? difference : compare_functions(a->function, b->function);
}

// --- reading -----------------------------------------------------------------------------------

static uint32_t number(const char *text) {
    unsigned long value = strtoul(text, NULL, 10);
    return value <= UINT32_MAX ? (uint32_t)value : 0;
}

static const char *known(struct ms_symbols *symbols, const char *text) {
    return *text ? ms_symbols_text(symbols, text) : NULL;
}

// False = out of memory.
static bool take(struct ms_wrappers *wrappers, struct ms_symbols *symbols, char *fields[],
                 size_t count) {
    if (count >= 3 && strcmp(fields[0], "W") == 0 && *fields[1]) {
        struct named *functions = ms_grown(wrappers->functions, &wrappers->function_capacity,
                                           wrappers->function_count, sizeof *wrappers->functions);
        if (!functions)
            return false;
        wrappers->functions = functions;
        struct named one = {ms_symbols_text(symbols, fields[1]),
                            ms_symbols_text(symbols, fields[2]), count >= 5 ? number(fields[3]) : 0,
                            count >= 5 ? number(fields[4]) : 0};
        wrappers->functions[wrappers->function_count++] = one;
        return one.function && one.file;
    }
    if (count == FIELDS_MOST && strcmp(fields[0], "C") == 0 && *fields[1]) {
        struct ms_wrapper_call *calls = ms_grown(wrappers->calls, &wrappers->call_capacity,
                                                 wrappers->call_count, sizeof *wrappers->calls);
        if (!calls)
            return false;
        wrappers->calls = calls;
        struct ms_wrapper_call one = {
            .function = ms_symbols_text(symbols, fields[1]),
            .file = ms_symbols_text(symbols, fields[2]),
            .line = number(fields[3]),
            .column = number(fields[4]),
            .type = known(symbols, fields[5]),
            .type_bytes = number(fields[6]),
            .variable = known(symbols, fields[7]),
        };
        wrappers->calls[wrappers->call_count++] = one;
        return one.function && one.file;
    }
    return true;
}

// `text` is overwritten.
static bool take_texts(struct ms_wrappers *wrappers, struct ms_symbols *symbols, char *text,
                       size_t bytes) {
    for (char *end; bytes > 0 && (end = memchr(text, '\0', bytes)); text = end + 1) {
        char *fields[FIELDS_MOST];
        size_t count = 0;
        bytes -= (size_t)(end - text) + 1;
        for (char *at = text; at && count < FIELDS_MOST;) {
            fields[count++] = at;
            at = strchr(at, '\t');
            if (at)
                *at++ = '\0';
        }
        if (!take(wrappers, symbols, fields, count))
            return false;
    }
    return true;
}

struct ms_wrappers *ms_wrappers_read(const struct ms_summary *summary) {
    struct ms_symbols *symbols = summary->symbols;
    struct ms_wrappers *wrappers = calloc(1, sizeof *wrappers);
    bool good = wrappers != NULL;
    for (size_t i = 0; good && i < symbols->file_count; i++) {
        size_t bytes = 0;
        char *text =
            symbols->files[i].path ? ms_elf_wrappers_read(symbols->files[i].path, &bytes) : NULL;
        good = !text || take_texts(wrappers, symbols, text, bytes);
        free(text);
    }
    if (!good) {
        ms_wrappers_free(wrappers);
        return NULL;
    }
    if (wrappers->function_count > 0)
        qsort(wrappers->functions, wrappers->function_count, sizeof *wrappers->functions,
              compare_named);
    if (wrappers->call_count > 0)
        qsort(wrappers->calls, wrappers->call_count, sizeof *wrappers->calls, compare_places);
    return wrappers;
}

void ms_wrappers_free(struct ms_wrappers *wrappers) {
    if (!wrappers)
        return;
    free(wrappers->functions);
    free(wrappers->calls);
    free(wrappers);
}

// --- asking ------------------------------------------------------------------------------------

static int compare_known(const void *name, const void *row) {
    return compare_functions(name, *(const char *const *)row);
}

// The first of `count` sorted items that is not below `wanted`.
static size_t lower_bound(const void *items, size_t count, size_t item_bytes, const void *wanted,
                          int (*compare)(const void *, const void *)) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare((const char *)items + middle * item_bytes, wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ms_wrappers_has(const struct ms_wrappers *wrappers, const struct ms_frame *frame) {
    if (!frame->function)
        return false;
    struct named wanted = {.function = frame->function};
    bool is_other_call = false;
    size_t at = lower_bound(wrappers->functions, wrappers->function_count,
                            sizeof *wrappers->functions, &wanted, compare_named);
    for (; at < wrappers->function_count; at++) {
        const struct named *one = &wrappers->functions[at];
        if (compare_named(one, &wanted) != 0)
            break;
        if (!ms_same_function(one->function, frame->function) ||
            (*one->file && frame->file &&
             strcmp(base_name(one->file), base_name(frame->file)) != 0))
            continue;
        if (one->line == 0 || (one->line == frame->line && one->column == frame->column))
            return true;
        is_other_call = true;
    }
    return !is_other_call &&
           bsearch(frame->function, known_names, sizeof known_names / sizeof *known_names,
                   sizeof *known_names, compare_known) != NULL;
}

static bool same_facts(const struct ms_wrapper_call *a, const struct ms_wrapper_call *b) {
    // Texts are kept once.
    return a->type == b->type && a->variable == b->variable && a->type_bytes == b->type_bytes;
}

const struct ms_wrapper_call *ms_wrappers_call(const struct ms_wrappers *wrappers,
                                               const struct ms_frame *frame) {
    const struct ms_wrapper_call *found = NULL;
    if (!frame->function || !frame->file || frame->line == 0)
        return NULL;
    struct ms_wrapper_call wanted = {.function = frame->function,
                                     .file = frame->file,
                                     .line = frame->line,
                                     .column = frame->column};
    size_t at = lower_bound(wrappers->calls, wrappers->call_count, sizeof *wrappers->calls, &wanted,
                            compare_places);
    for (; at < wrappers->call_count && compare_places(&wrappers->calls[at], &wanted) == 0; at++) {
        const struct ms_wrapper_call *one = &wrappers->calls[at];
        if (!ms_same_function(one->function, frame->function))
            continue;
        if (found && !same_facts(found, one))
            return NULL;
        found = one;
    }
    return found;
}
