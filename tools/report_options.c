// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verbs share which print reports: options, and the names of code.

#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

bool ms_parse_count(const struct ms_verb *verb, const char *option, const char *word,
                    size_t *count_out) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(word, &end, 10);
    if (*word < '0' || *word > '9' || *end || errno) {
        ms_usage(verb, "%s: \"%s\" is not a number of 0 or more", option, word);
        return false;
    }
    *count_out = (size_t)value;
    return true;
}

bool ms_parse_word(const struct ms_verb *verb, const char *option, const char *kind,
                   const char *word, const char *const *words, int *index_out) {
    char hint[64];
    for (int i = 0; words[i]; i++) {
        if (strcmp(word, words[i]) == 0) {
            *index_out = i;
            return true;
        }
    }
    ms_suggest(hint, sizeof hint, word, words);
    ms_usage(verb, "%s: unknown %s \"%s\"%s", option, kind, word, hint);
    return false;
}

bool ms_parse_top(const struct ms_verb *verb, const char *word, size_t *top_out) {
    return ms_parse_count(verb, "--top", word, top_out);
}

bool ms_parse_color(const struct ms_verb *verb, const char *word, bool *colour_out) {
    static const char *const words[] = {"auto", "always", "never", NULL};
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    int when;
    if (!ms_parse_word(verb, "--color", "word", word, words, &when))
        return false;
    bool by_itself = isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
                     !(terminal && strcmp(terminal, "dumb") == 0);
    *colour_out = when == 0 ? by_itself : when == 1;
    return true;
}

unsigned ms_terminal_width(void) {
    struct winsize window;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_col
                                                                                   : 0;
}

// --- names of code --------------------------------------------------------------------

#define RESOLVE_TIMEOUT_MS 20000u
#define PROGRESS_AFTER_NS UINT64_C(2000000000)
#define PROGRESS_EVERY_NS UINT64_C(200000000)

struct progress {
    const struct ms_verb *verb;
    uint64_t start_ns, last_ns;
    bool shown;
};

static void show_progress(void *context, size_t done_count, size_t all_count) {
    struct progress *progress = context;
    uint64_t now = ms_clock_ns(CLOCK_MONOTONIC);
    if (now - progress->start_ns < PROGRESS_AFTER_NS || now - progress->last_ns < PROGRESS_EVERY_NS)
        return;
    fprintf(stderr, "\rmemscope %s: names of %zu of %zu places", progress->verb->name, done_count,
            all_count);
    progress->last_ns = now;
    progress->shown = true;
}

#define DEBUG_PATHS_MOST 32

static const char *debug_paths[DEBUG_PATHS_MOST + 1];

bool ms_add_debug_path(const struct ms_verb *verb, const char *folder) {
    size_t count = 0;
    while (debug_paths[count])
        count++;
    if (count == DEBUG_PATHS_MOST) {
        ms_usage(verb, "--debug-path: more than %d folders", DEBUG_PATHS_MOST);
        return false;
    }
    debug_paths[count] = folder;
    return true;
}

const char *const *ms_debug_paths(void) {
    return debug_paths;
}

static bool folds_templates;

void ms_fold_templates(void) {
    folds_templates = true;
}

static struct ms_resolve_options begin_names(const struct ms_verb *verb,
                                             struct progress *progress) {
    *progress = (struct progress){.verb = verb, .start_ns = ms_clock_ns(CLOCK_MONOTONIC)};
    return (struct ms_resolve_options){
        .symbolizer = getenv("MEMSCOPE_SYMBOLIZER"),
        .timeout_ms = RESOLVE_TIMEOUT_MS,
        .debug_paths = debug_paths,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
        .context = progress,
    };
}

static bool is_wanted(const struct ms_resolve_options *options) {
    return !options->symbolizer || *options->symbolizer;
}

static void end_names(const struct progress *progress) {
    if (progress->shown)
        fputs("\r\033[K", stderr);
}

void ms_resolve_sites(const struct ms_verb *verb, struct ms_summary *summary) {
    struct progress progress;
    struct ms_resolve_options resolve_options = begin_names(verb, &progress);
    if (is_wanted(&resolve_options))
        ms_summary_resolve(summary, &resolve_options);
    end_names(&progress);
}

memscope_status ms_resolve_contexts(const struct ms_verb *verb, const struct ms_summary *summary,
                                    struct ms_contexts **contexts_out) {
    struct progress progress;
    struct ms_resolve_options resolve_options = begin_names(verb, &progress);
    memscope_status status = ms_contexts_create(
        summary, is_wanted(&resolve_options) ? &resolve_options : NULL, contexts_out);
    end_names(&progress);
    if (*contexts_out && folds_templates &&
        ms_contexts_fold_templates(*contexts_out) != MEMSCOPE_OK) {
        ms_contexts_destroy(*contexts_out);
        *contexts_out = NULL;
        status = MEMSCOPE_OUT_OF_MEMORY;
    }
    return status;
}
