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

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

// At "operator" of a name: the bytes up to the end of the operator's own characters.
static size_t operator_length(const char *at) {
    size_t length = strlen("operator");
    if (starts(at + length, "()") || starts(at + length, "[]"))
        return length + 2;
    return length + strspn(at + length, "<>=!+-*/%^&|~,");
}

static bool begins_word(const char *name, const char *at) {
    return at == name ||
           !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", at[-1]);
}

// The end of the name proper: the first parenthesis outside of template arguments.
static const char *parameters_of(const char *name) {
    int depth = 0;
    for (const char *at = name; *at; at++) {
        if (*at == 'o' && starts(at, "operator") && begins_word(name, at)) {
            at += operator_length(at) - 1;
        } else if (starts(at, "(anonymous namespace)")) {
            at += strlen("(anonymous namespace)") - 1;
        } else if (*at == '<' || *at == '{' || *at == '[') {
            depth++;
        } else if (*at == '>' || *at == '}' || *at == ']') {
            depth--;
        } else if (*at == '(' && depth <= 0) {
            return at;
        }
    }
    return name + strlen(name);
}

// Outermost template arguments become "<…>".
static void put_short(FILE *out, const char *name, const char *end) {
    int depth = 0;
    for (const char *at = name; at < end; at++) {
        if (*at == 'o' && starts(at, "operator") && begins_word(name, at)) {
            size_t length = operator_length(at);
            if (depth == 0)
                fprintf(out, "%.*s", (int)length, at);
            at += length - 1;
            continue;
        }
        if (*at == '>' && --depth == 0)
            fputs("…", out);
        if (depth <= 0)
            fputc(*at, out);
        if (*at == '<')
            depth++;
    }
}

void ms_put_function(FILE *out, const char *function) {
    char *clean = ms_clean(function);
    if (!clean)
        return;
    const char *end = parameters_of(clean);
    if (end - clean > SHORT_FUNCTION_BYTES)
        put_short(out, clean, end);
    else
        fprintf(out, "%.*s", (int)(end - clean), clean);
    fputs("()", out);
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
        while (summary->files[i] != path && tail > path && is_tail(summary->files[i], tail))
            tail = longer_tail(path, tail);
    return tail;
}

static bool is_placed(const struct ms_site *site) {
    return site->kind != MEMSCOPE_SITE_UNKNOWN && site->kind != MEMSCOPE_SITE_REENTRANT &&
           site->kind != MEMSCOPE_SITE_OVERFLOW;
}

void ms_put_place(FILE *out, const struct ms_summary *summary, const struct ms_site *site) {
    if (site->foreign) {
        ms_put_clean(out, site->module && site->module->path ? ms_base_name(site->module->path)
                                                             : "unknown module");
        fprintf(out, "+0x%" PRIx64, site->module_offset);
    } else if (site->file) {
        ms_put_clean(out, telling_tail(summary, site->file));
        if (site->line)
            fprintf(out, ":%" PRIu32, site->line);
    } else {
        fputs(is_placed(site) ? "(no line)" : "(no site)", out);
    }
}

void ms_put_site(FILE *out, const struct ms_summary *summary, const struct ms_site *site,
                 bool with_callers) {
    ms_put_place(out, summary, site);
    if (site->function) {
        fputc(' ', out);
        ms_put_function(out, site->function);
    }
    // The kind says something only where no source line does.
    if (site->foreign || !site->file || !site->function || site->kind == MEMSCOPE_SITE_THREAD_START)
        fprintf(out, " [%s]", ms_kind_name(site->kind));
    if (!with_callers || site->inlined_count == 0)
        return;
    fputc(' ', out);
    for (uint32_t i = 0; i < site->inlined_count; i++) {
        if (i == CALLERS_SHOWN) {
            fputs(" <- …", out);
            break;
        }
        struct ms_frame frame = ms_site_inlined(summary, site, i);
        fputs(" <- ", out);
        if (frame.function)
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

bool ms_place_matches(const struct ms_place *place, const struct ms_site *site) {
    return site->file && !site->foreign && (place->line == 0 || site->line == place->line) &&
           is_tail(site->file, place->file);
}
