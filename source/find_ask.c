// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asks unit by unit, that of the heaviest site first, for all sites in it at once.

#define _GNU_SOURCE // asprintf
#include "find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_MOST_NS UINT64_C(120000000000)

static bool is_open(const struct ms_wish *wish) {
    return !wish->is_done && !wish->reason;
}

static bool waits_for(const struct ms_wish *wish, const struct ms_command *command) {
    return is_open(wish) && wish->asked_count < wish->command_count &&
           wish->commands[wish->asked_count] == command;
}

static bool is_same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const char *keep(const struct ms_find *find, const json_t *call, const char *key) {
    const char *text = json_string_value(json_object_get(call, key));
    return text ? ms_summary_text(find->summary, text) : NULL;
}

static void take_answer(const struct ms_find *find, struct ms_wish *wish, const json_t *call) {
    json_int_t bytes = json_integer_value(json_object_get(call, "bytes"));
    struct ms_kept_type answer = {
        .type = keep(find, call, "type"),
        .variable = keep(find, call, "variable"),
        .why = keep(find, call, "why"),
        .type_bytes = bytes > 0 ? (uint64_t)bytes : 0,
        .commands = wish->commands_hash,
    };
    if (wish->asked_count++ == 0) {
        wish->answer = answer;
    } else {
        if (!is_same_text(answer.type, wish->answer.type)) {
            wish->answer.type = NULL;
            wish->answer.type_bytes = 0;
            wish->answer.why = "it depends on how the file is compiled";
        }
        if (!is_same_text(answer.variable, wish->answer.variable))
            wish->answer.variable = NULL;
    }
    if (wish->asked_count < wish->command_count)
        return;
    char build[MS_BUILD_BYTES];
    wish->is_done = true;
    ms_types_cache_put(find->cache, ms_build_name(find, wish->module->module, build), &wish->place,
                       &wish->answer);
}

// The name of a file of the unit that was changed after the build; NULL = none.
static const char *changed_file(const struct ms_find *find, const json_t *files,
                                const struct ms_built_module *module) {
    size_t i;
    json_t *file;
    json_array_foreach(files, i,
                       file) if (json_is_string(file) &&
                                 ms_source_is_newer(&find->sources, json_string_value(file),
                                                    module)) return json_string_value(file);
    return NULL;
}

static const char *changed_reason(const struct ms_find *find, const char *file) {
    char *text;
    if (asprintf(&text, "%s changed since the build", file) < 0)
        return "a file that it includes changed since the build";
    const char *kept = ms_summary_text(find->summary, text);
    free(text);
    return kept;
}

static void ask_unit(struct ms_find *find, const struct ms_command *command,
                     struct ms_wanted *wanted, struct ms_wish **waiting) {
    size_t count = 0;
    for (size_t i = 0; i < find->wish_count; i++) {
        struct ms_wish *wish = &find->wishes[i];
        if (!waits_for(wish, command))
            continue;
        waiting[count] = wish;
        wanted[count++] = wish->place;
    }
    if (count == 0)
        return;
    uint64_t now_ns = ms_clock_ns(CLOCK_MONOTONIC), end_ns = find->deadline_ns;
    if (end_ns > now_ns && end_ns - now_ns > UNIT_MOST_NS)
        end_ns = now_ns + UNIT_MOST_NS;
    if (find->options->progress)
        find->options->progress(find->options->context, command->file);
    json_t *answer = ms_unit_ask(command, find->options->libclang, wanted, count, end_ns);
    find->parsed_count++;
    const char *error = answer ? json_string_value(json_object_get(answer, "error")) : "no memory";
    const json_t *calls = json_object_get(answer, "calls");
    if (!error && json_array_size(calls) != count)
        error = "libclang crashed on it";
    const char *reason = error ? ms_summary_text(find->summary, error) : NULL;
    const char *newer =
        error ? NULL : changed_file(find, json_object_get(answer, "files"), waiting[0]->module);
    if (newer)
        reason = changed_reason(find, newer);
    for (size_t i = 0; i < count; i++) {
        if (reason)
            waiting[i]->reason = reason;
        else
            take_answer(find, waiting[i], json_array_get(calls, i));
    }
    if (json_is_true(json_object_get(answer, "for_all")))
        for (size_t i = 0; i < find->wish_count; i++)
            if (is_open(&find->wishes[i]))
                find->wishes[i].reason = reason;
    json_decref(answer);
}

void ms_find_ask(struct ms_find *find) {
    struct ms_wanted *wanted = calloc(find->wish_count + 1, sizeof *wanted);
    struct ms_wish **waiting = calloc(find->wish_count + 1, sizeof(struct ms_wish *));
    for (size_t i = 0; i < find->wish_count; i++) {
        struct ms_wish *wish = &find->wishes[i];
        while (is_open(wish)) {
            if (!wanted || !waiting || wish->command_count == 0)
                wish->reason = "no memory";
            else if (ms_clock_ns(CLOCK_MONOTONIC) >= find->deadline_ns)
                wish->reason = "the time is up";
            else
                ask_unit(find, wish->commands[wish->asked_count], wanted, waiting);
        }
    }
    free(wanted);
    free(waiting);
}
