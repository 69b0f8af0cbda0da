// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#define _GNU_SOURCE // asprintf
#include "find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_allocation(const struct ms_site *site) {
    return !site->foreign && site->kind > MEMSCOPE_SITE_UNKNOWN && site->kind <= MEMSCOPE_SITE_USER;
}

// Of a wrapper its caller's call says what is allocated.
static struct ms_wish wish_of(const struct ms_summary *summary, struct ms_site *site) {
    struct ms_wish wish = {
        .site = site,
        .place = {site->file, site->line, site->column, site->kind},
        .is_callers = site->wrapper_frames < ms_site_frame_count(site) &&
                      ms_site_wrapper(summary, site) != NULL,
    };
    if (wish.is_callers) {
        struct ms_frame caller = ms_site_frame(summary, site, site->wrapper_frames);
        wish.place =
            (struct ms_wanted){caller.file, caller.line, caller.column, MEMSCOPE_SITE_USER};
    }
    return wish;
}

// Sites without a type, the heaviest first.
static bool make_wishes(struct ms_find *find) {
    const struct ms_summary *summary = find->summary;
    const struct ms_site **sites = calloc(summary->site_count + 1, sizeof *sites);
    find->wishes = calloc(summary->site_count + 1, sizeof *find->wishes);
    bool good = sites && find->wishes;
    if (good)
        ms_summary_order(summary, MS_ORDER_AT_PEAK, sites);
    for (size_t i = 0; good && i < summary->site_count; i++)
        if (is_allocation(sites[i]) && !sites[i]->type_name)
            find->wishes[find->wish_count++] =
                wish_of(summary, &find->summary->sites[sites[i] - summary->sites]);
    free(sites);
    return good;
}

static void find_commands(struct ms_find *find) {
    const char *last = NULL;
    for (size_t i = 0; i < find->wish_count; i++) {
        const struct ms_site *site = find->wishes[i].site;
        struct ms_frame shown = {0};
        if (ms_site_shown_depth(site) != MS_NO_FRAME)
            shown = ms_site_frame(find->summary, site, ms_site_shown_depth(site));
        if (!shown.file || *shown.file != '/' || ms_is_system_file(shown.file) ||
            (last && strcmp(last, shown.file) == 0))
            continue;
        last = shown.file;
        ms_known_commands_near(&find->known, shown.file);
    }
    ms_known_commands_near(&find->known, ms_profile_path(find->summary->profile));
}

static void apply(struct ms_find *find) {
    for (size_t i = 0; i < find->wish_count; i++) {
        const struct ms_wish *wish = &find->wishes[i];
        struct ms_site *site = wish->site;
        if (!wish->is_done)
            continue;
        // Of the cache the texts do not live on.
        if (wish->answer.type) {
            site->type_name = ms_summary_text(find->summary, wish->answer.type);
            site->type_bytes =
                wish->answer.type_bytes <= UINT32_MAX ? (uint32_t)wish->answer.type_bytes : 0;
            site->type_from_source = true;
        }
        // A wrapper's own variable is not its caller's.
        if (wish->answer.variable && !site->variable_name &&
            (wish->is_callers || site->wrapper_frames == 0)) {
            site->variable_name = ms_summary_text(find->summary, wish->answer.variable);
            site->variable_from_source = true;
        }
    }
}

// --- what is told ------------------------------------------------------------------------------

static bool add_note(struct ms_source_result *result, char *text) {
    if (!text)
        return false;
    for (size_t i = 0; i < result->note_count; i++)
        if (strcmp(result->notes[i].text, text) == 0) {
            result->notes[i].site_count++;
            free(text);
            return true;
        }
    struct ms_source_note *notes = realloc(result->notes, (result->note_count + 1) * sizeof *notes);
    if (!notes) {
        free(text);
        return false;
    }
    result->notes = notes;
    notes[result->note_count++] = (struct ms_source_note){.text = text, .site_count = 1};
    return true;
}

// A reason that tells its file itself stands alone.
static bool note_of(struct ms_source_result *result, const struct ms_wish *wish) {
    char *text;
    const char *file = wish->place.file ? wish->place.file : "(no file)";
    bool is_whole = strncmp(wish->reason, "libclang", 8) == 0 || wish->reason[0] == '/';
    if (asprintf(&text, "%s%s%s", is_whole ? "" : file, is_whole ? "" : ": ", wish->reason) < 0)
        text = NULL;
    if (!add_note(result, text))
        return false;
    if (strcmp(wish->reason, MS_NO_COMMAND) == 0)
        for (size_t i = 0; i < result->note_count; i++)
            result->notes[i].is_lack |= strstr(result->notes[i].text, MS_NO_COMMAND) != NULL;
    return true;
}

static bool tell(const struct ms_find *find, struct ms_source_result *result) {
    result->sites = calloc(find->wish_count + 1, sizeof *result->sites);
    if (!result->sites)
        return false;
    for (size_t i = 0; i < find->known.count; i++) {
        const char *message = find->known.messages[i];
        if (message && !add_note(result, strdup(message)))
            return false;
        if (find->known.items[i] && !result->commands)
            result->commands = strdup(find->known.items[i]->path);
    }
    for (size_t i = 0; i < result->note_count; i++)
        result->notes[i].site_count = 0;
    result->parsed_count = find->parsed_count;
    for (size_t i = 0; i < find->wish_count; i++) {
        const struct ms_wish *wish = &find->wishes[i];
        struct ms_source_site *site = &result->sites[result->site_count++];
        site->site = wish->site;
        if (wish->site->type_name)
            result->named_count++;
        else if (!wish->reason)
            site->reason = wish->answer.why ? ms_summary_text(find->summary, wish->answer.why)
                                            : "the source does not tell";
        else
            site->reason = wish->reason;
        bool is_problem = wish->reason && wish->place.line > 0 && wish->place.file &&
                          !ms_is_system_file(wish->place.file);
        if (is_problem && !note_of(result, wish))
            return false;
    }
    return true;
}

void ms_source_result_free(struct ms_source_result *result) {
    for (size_t i = 0; i < result->note_count; i++)
        free(result->notes[i].text);
    free(result->notes);
    free(result->sites);
    free(result->commands);
    *result = (struct ms_source_result){0};
}

memscope_status ms_source_find_types(struct ms_summary *summary,
                                     const struct ms_source_options *options,
                                     struct ms_source_result *result_out) {
    struct ms_find find = {
        .summary = summary,
        .options = options,
        .deadline_ns =
            ms_clock_ns(CLOCK_MONOTONIC) + (uint64_t)options->timeout_ms * UINT64_C(1000000),
    };
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    *result_out = (struct ms_source_result){0};
    if (!make_wishes(&find))
        goto cleanup;
    find.cache = ms_types_cache_open(summary->profile);
    if (options->commands) {
        status = ms_known_commands_read(&find.known, options->commands);
        if (status != MEMSCOPE_OK) {
            status = status == MEMSCOPE_OUT_OF_MEMORY || !tell(&find, result_out)
                         ? MEMSCOPE_OUT_OF_MEMORY
                         : MEMSCOPE_INVALID_ARGUMENT;
            goto cleanup;
        }
    } else {
        find_commands(&find);
    }
    status = MEMSCOPE_NOT_FOUND;
    if (find.known.count == 0 && ms_types_cache_count(find.cache) == 0)
        goto cleanup;
    status = MEMSCOPE_OUT_OF_MEMORY;
    if (find.wish_count > 0 && !ms_sources_read(summary, options->debug_paths, &find.sources))
        goto cleanup;
    ms_find_prepare(&find);
    ms_find_ask(&find);
    apply(&find);
    if (tell(&find, result_out))
        status = MEMSCOPE_OK;
    bool kept = ms_types_cache_close(find.cache);
    find.cache = NULL;
    if (!kept && status == MEMSCOPE_OK && find.parsed_count > 0) {
        char *text;
        if (asprintf(&text, "%s.types cannot be written: the next report parses again",
                     ms_profile_path(summary->profile)) >= 0 &&
            add_note(result_out, text))
            result_out->notes[result_out->note_count - 1].site_count = 0;
    }
cleanup:
    ms_types_cache_close(find.cache);
    ms_sources_free(&find.sources);
    ms_known_commands_free(&find.known);
    free(find.wishes);
    return status;
}
