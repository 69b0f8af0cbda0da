// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types from the source, for the verbs that show types.

#include "source_types.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NOTES_MOST 5 // of a verb that does it by the way

struct shown {
    const struct ms_verb *verb;
    bool any;
};

static void show_progress(void *context, const char *file) {
    struct shown *shown = context;
    char *clean = ms_clean(file);
    fprintf(stderr, "\r\033[Kmemscope %s: reading %s", shown->verb->name, clean ? clean : "");
    free(clean);
    shown->any = true;
}

static void put_note(const struct ms_verb *verb, const struct ms_source_note *note) {
    char *clean = ms_clean(note->text);
    if (note->site_count > 0)
        fprintf(stderr, "memscope %s: no types of %zu site%s: %s\n", verb->name, note->site_count,
                note->site_count == 1 ? "" : "s", clean ? clean : "out of memory");
    else
        fprintf(stderr, "memscope %s: %s\n", verb->name, clean ? clean : "out of memory");
    free(clean);
}

memscope_status ms_source_types(const struct ms_verb *verb, struct ms_summary *summary,
                                const struct ms_source_request *request,
                                struct ms_source_result *result_out) {
    struct shown shown = {.verb = verb};
    const char *library = getenv("MEMSCOPE_LIBCLANG");
    struct ms_source_options options = {
        .commands = request->commands,
        .libclang = library && *library ? library : NULL,
        .debug_paths = ms_debug_paths(),
        .timeout_ms = request->timeout_ms,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
        .context = &shown,
    };
    *result_out = (struct ms_source_result){0};
    if (request->is_off || (library && !*library))
        return MEMSCOPE_NOT_FOUND;
    memscope_status status = ms_source_find_types(summary, &options, result_out);
    if (shown.any)
        fputs("\r\033[K", stderr);
    size_t told = 0, untold = 0;
    for (size_t i = 0; i < result_out->note_count; i++) {
        const struct ms_source_note *note = &result_out->notes[i];
        if (note->is_lack && !request->all_notes && !request->commands)
            continue;
        if (request->all_notes || told < NOTES_MOST) {
            put_note(verb, note);
            told++;
        } else {
            untold++;
        }
    }
    if (untold > 0)
        fprintf(stderr, "memscope %s: %zu more such reasons; `memscope types` tells all\n",
                verb->name, untold);
    return status;
}
