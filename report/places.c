// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a site is called in text, and how users name one.

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_FUNCTION_BYTES 60
#define CALLERS_SHOWN 3

const char *ms_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

// --- functions ---------------------------------------------------------------------------------

static void put_short(FILE *out, const char *name, const char *end) {
    char *folded = malloc(MS_FOLDED_BYTES((size_t)(end - name)));
    if (folded && ms_fold_template_arguments(name, end, folded) > 0)
        fputs(folded, out);
    free(folded);
}

// Names that nobody writes, each no shorter than what people say, so that they are replaced in
// place.
static const struct {
    const char *from, *to;
} spoken[] = {
    {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
     "std::string"},
    {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char>>",
     "std::string"},
    {"std::__cxx11::basic_string<char>", "std::string"},
    {"std::__cxx11::", "std::"},
    {"(anonymous namespace)::", ""},
    {"[abi:cxx11]", ""},
};

static void say(char *name) {
    for (size_t i = 0; i < sizeof spoken / sizeof *spoken; i++) {
        size_t from = strlen(spoken[i].from), to = strlen(spoken[i].to);
        for (char *at = name; (at = strstr(at, spoken[i].from)); at += to) {
            memcpy(at, spoken[i].to, to);
            memmove(at + to, at + from, strlen(at + from) + 1);
        }
    }
}

void ms_put_function(FILE *out, const char *function) {
    char *clean = ms_clean(function);
    if (!clean)
        return;
    say(clean);
    const char *begin, *end = ms_function_name(clean, &begin);
    if (end - begin > SHORT_FUNCTION_BYTES)
        put_short(out, begin, end);
    else
        fprintf(out, "%.*s", (int)(end - begin), begin);
    fputs("()", out);
    free(clean);
}

void ms_put_type(FILE *out, const char *type) {
    char *clean = type ? ms_clean(type) : NULL;
    if (!clean) {
        fputc('?', out);
        return;
    }
    say(clean);
    if (strlen(clean) > SHORT_FUNCTION_BYTES)
        put_short(out, clean, clean + strlen(clean));
    else
        fputs(clean, out);
    free(clean);
}

// --- files -------------------------------------------------------------------------------------

// Whether `tail` is the last parts of `path`.
static bool is_tail(const char *path, const char *tail) {
    size_t path_length = strlen(path), tail_length = strlen(tail);
    if (tail_length > path_length || strcmp(path + path_length - tail_length, tail) != 0)
        return false;
    return tail_length == path_length || path[path_length - tail_length - 1] == '/' ||
           tail[0] == '/';
}

static const char *longer_tail(const char *path, const char *tail) {
    if (tail - path < 2)
        return path;
    const char *at = tail - 2;
    while (at > path && *at != '/')
        at--;
    return *at == '/' && at > path ? at + 1 : path;
}

// As much of the path as no other file of the profile ends in.
static const char *telling_tail(const struct ms_summary *summary, const char *path) {
    const char *tail = ms_base_name(path);
    for (size_t i = 0; i < summary->file_count && tail > path; i++)
        while (tail > path && is_tail(summary->files[i], tail) &&
               strcmp(summary->files[i], path) != 0)
            tail = longer_tail(path, tail);
    return tail;
}

static bool is_placed(const struct ms_site *site) {
    return site->kind != MEMSCOPE_SITE_UNKNOWN && site->kind != MEMSCOPE_SITE_REENTRANT &&
           site->kind != MEMSCOPE_SITE_OVERFLOW;
}

void ms_put_file_line(FILE *out, const struct ms_summary *summary, const char *file,
                      uint32_t line) {
    ms_put_clean(out, telling_tail(summary, file));
    if (line)
        fprintf(out, ":%" PRIu32, line);
}

static void put_line(FILE *out, const struct ms_summary *summary, const struct ms_frame *frame) {
    ms_put_file_line(out, summary, frame->file, frame->line);
}

static void put_module_place(FILE *out, const struct ms_site *site) {
    ms_put_clean(out, site->module && site->module->path ? ms_base_name(site->module->path)
                                                         : "unknown module");
    fprintf(out, "+0x%" PRIx64, site->module_offset);
}

// The frame to show, if it has a file.
static bool shown_line(const struct ms_summary *summary, const struct ms_site *site,
                       struct ms_frame *frame_out) {
    uint32_t depth = ms_site_shown_depth(site);
    *frame_out = (struct ms_frame){0};
    if (depth == MS_NO_FRAME)
        return false;
    *frame_out = ms_site_frame(summary, site, depth);
    // A line of a library's own headers says less than the library's name.
    return frame_out->file && *frame_out->file &&
           !(site->foreign && site->user_depth == MS_NO_FRAME);
}

void ms_put_place(FILE *out, const struct ms_summary *summary, const struct ms_site *site) {
    struct ms_frame frame;
    if (shown_line(summary, site, &frame))
        put_line(out, summary, &frame);
    else if (site->foreign)
        put_module_place(out, site);
    else
        fputs(is_placed(site) ? "(no line)" : "(no site)", out);
}

// " [operator new in new_allocator.h:137]": only where the place shown does not say it all.
static void put_kind(FILE *out, const struct ms_summary *summary, const struct ms_row *row) {
    const struct ms_site *site = row->site;
    struct ms_frame frame;
    bool has_line = shown_line(summary, site, &frame);
    bool elsewhere = has_line && (site->foreign || ms_site_shown_depth(site) > 0);
    if (!elsewhere && !site->foreign && site->file && site->function && !site->wrapper_frames &&
        site->kind != MEMSCOPE_SITE_THREAD_START)
        return;
    const char *wrapper = ms_site_wrapper(summary, site);
    fprintf(out, " [%s", ms_kind_name(site->kind));
    if (wrapper) {
        fputs(" by ", out);
        ms_put_function(out, wrapper);
    }
    if (elsewhere) {
        struct ms_frame call = ms_site_frame(summary, site, 0);
        fputs(" in ", out);
        if (site->foreign)
            put_module_place(out, site);
        else if (call.file)
            put_line(out, summary, &call);
        else
            fputs("(no line)", out);
        if (row->site_count > 1)
            fprintf(out, " and %zu more", row->site_count - 1);
    }
    fputc(']', out);
}

// " (head: struct node)", " (std::vector<Order>)", where all sites of the row have the same.
static void put_type(FILE *out, const struct ms_row *row) {
    const struct ms_site *site = row->site;
    if (row->site_count > 1 || (!site->type_name && !site->variable_name && !site->container))
        return;
    fputs(" (", out);
    if (site->container) {
        ms_put_type(out, site->container);
        fputc(')', out);
        return;
    }
    if (site->variable_name) {
        ms_put_clean(out, site->variable_name);
        fputs(": ", out);
    }
    ms_put_type(out, site->type_name);
    fputc(')', out);
}

void ms_put_row_site(FILE *out, const struct ms_summary *summary, const struct ms_row *row) {
    const struct ms_site *site = row->site;
    uint32_t depth = ms_site_shown_depth(site), count = ms_site_frame_count(site);
    ms_put_place(out, summary, site);
    if (depth == MS_NO_FRAME) {
        put_kind(out, summary, row);
        return;
    }
    struct ms_frame frame = ms_site_frame(summary, site, depth);
    if (frame.function && *frame.function) {
        fputc(' ', out);
        ms_put_function(out, frame.function);
    }
    put_type(out, row);
    put_kind(out, summary, row);
    for (uint32_t i = depth + 1; i < count; i++) {
        fputs(i == depth + 1 ? "  <- " : " <- ", out);
        if (i == depth + 1 + CALLERS_SHOWN) {
            fputs("…", out);
            break;
        }
        frame = ms_site_frame(summary, site, i);
        if (frame.function && *frame.function)
            ms_put_function(out, frame.function);
        else
            fputs("(unknown)", out);
    }
}

void ms_put_build_id(FILE *out, const struct ms_module *module) {
    for (uint32_t i = 0; i < module->build_id_length; i++)
        fprintf(out, "%02x", module->build_id[i]);
}

memscope_status ms_place_parse(const char *text, struct ms_place *place_out) {
    const char *colon = strrchr(text, ':');
    *place_out = (struct ms_place){0};
    if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
        return MEMSCOPE_INVALID_ARGUMENT;
    char *end;
    errno = 0;
    unsigned long line = strtoul(colon + 1, &end, 10);
    if (*end || errno || line == 0 || line > UINT32_MAX)
        return MEMSCOPE_INVALID_ARGUMENT;
    place_out->file = strndup(text, (size_t)(colon - text));
    place_out->line = (uint32_t)line;
    return place_out->file ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
}

static bool matches(const struct ms_place *place, const struct ms_frame *frame) {
    return frame->file && (place->line == 0 || frame->line == place->line) &&
           is_tail(frame->file, place->file);
}

bool ms_place_matches(const struct ms_place *place, const struct ms_summary *summary,
                      const struct ms_site *site, uint32_t *line_out) {
    const uint32_t depths[] = {0, site->user_depth};
    for (size_t i = 0; i < 2; i++) {
        if (depths[i] >= ms_site_frame_count(site)) // also MS_NO_FRAME
            continue;
        struct ms_frame frame = ms_site_frame(summary, site, depths[i]);
        *line_out = frame.line;
        if (matches(place, &frame))
            return true;
    }
    return false;
}
