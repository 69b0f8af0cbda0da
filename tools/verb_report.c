// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope report: what holds memory, as text or JSON.

#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TOP_DEFAULT 15

static const struct ms_option options[] = {
    {"json", 'j', false, NULL, "everything, as JSON (see the schema in docs)"},
    {"sort", 's', false, "KEY", "live, peak, at-peak (default), total, calls or temporary"},
    {"top", 'n', true, "N", "show N sites, 0 = all (default: 15; JSON: all)"},
    {"site", 'l', false, "FILE:LINE", "all about the sites of one line, with each thread's share"},
    {"color", 'c', false, "WHEN", "auto (default), always or never; NO_COLOR is heeded"},
    {0},
};

struct request {
    struct ms_report_options report;
    bool json, has_top;
    const char *site, *name;
    int exit_code; // where there is nothing to do
};

static bool parse_sort(const struct ms_verb *verb, const char *word, enum ms_order *order_out) {
    const char *words[16] = {0};
    for (int order = 0; ms_order_name((enum ms_order)order); order++) {
        words[order] = ms_order_name((enum ms_order)order);
        if (strcmp(word, words[order]) == 0) {
            *order_out = (enum ms_order)order;
            return true;
        }
    }
    char hint[64];
    ms_suggest(hint, sizeof hint, word, words);
    ms_usage(verb, "--sort: unknown key \"%s\"%s", word, hint);
    return false;
}

static bool parse_top(const struct ms_verb *verb, const char *word, size_t *top_out) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(word, &end, 10);
    if (*word < '0' || *word > '9' || *end || errno) {
        ms_usage(verb, "--top: \"%s\" is not a number of 0 or more", word);
        return false;
    }
    *top_out = (size_t)value;
    return true;
}

static bool parse_color(const struct ms_verb *verb, const char *word, bool *colour_out) {
    static const char *const words[] = {"auto", "always", "never", NULL};
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if (strcmp(word, "always") == 0) {
        *colour_out = true;
    } else if (strcmp(word, "never") == 0) {
        *colour_out = false;
    } else if (strcmp(word, "auto") == 0) {
        *colour_out = isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
                      !(terminal && strcmp(terminal, "dumb") == 0);
    } else {
        char hint[64];
        ms_suggest(hint, sizeof hint, word, words);
        ms_usage(verb, "--color: unknown word \"%s\"%s", word, hint);
        return false;
    }
    return true;
}

static bool parse(const struct ms_verb *verb, int argc, char **argv, struct request *request) {
    int letter;
    bool good = parse_color(verb, "auto", &request->report.colour);
    request->exit_code = MS_EXIT_USAGE;
    // Options may stand behind the file as well.
    for (;;) {
        while (good && (letter = ms_next_option(verb, argc, argv)) != -1) {
            switch (letter) {
            case 'j':
                request->json = true;
                break;
            case 's':
                good = parse_sort(verb, optarg, &request->report.order);
                break;
            case 'n':
                good = request->has_top = parse_top(verb, optarg, &request->report.top);
                break;
            case 'l':
                request->site = optarg;
                break;
            case 'c':
                good = parse_color(verb, optarg, &request->report.colour);
                break;
            case 'h':
                request->exit_code = ms_finish_output(verb);
                return false;
            default:
                return false;
            }
        }
        if (!good || optind >= argc)
            return good;
        if (request->name) {
            ms_usage(verb, "one profile at a time: \"%s\" is one too many", argv[optind]);
            return false;
        }
        request->name = argv[optind++];
    }
}

// What is at the lines around, where a line has no site.
static int no_such_site(const struct ms_verb *verb, const struct ms_summary *summary,
                        const struct ms_place *place) {
    struct ms_place file = {.file = place->file, .line = 0};
    uint32_t nearest = 0;
    for (size_t i = 0; i < summary->site_count; i++) {
        uint32_t line;
        if (!ms_place_matches(&file, summary, &summary->sites[i], &line) || line == 0)
            continue;
        if (nearest == 0 ||
            labs((long)line - (long)place->line) < labs((long)nearest - (long)place->line))
            nearest = line;
    }
    if (nearest)
        return ms_fail(verb, "no site at %s:%" PRIu32 "; the nearest is at line %" PRIu32,
                       place->file, place->line, nearest);
    return ms_fail(verb, "no site in a file %s", place->file);
}

static int show(const struct ms_verb *verb, const struct ms_opened *opened,
                struct request *request) {
    struct ms_place place = {0};
    memscope_status status;
    struct winsize window;
    if (request->site && ms_place_parse(request->site, &place) != MEMSCOPE_OK)
        return ms_usage(verb, "--site: \"%s\" is not FILE:LINE", request->site);
    if (!request->has_top)
        request->report.top = request->json ? 0 : TOP_DEFAULT;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0)
        request->report.width = window.ws_col;
    request->report.status = opened->message[0] ? opened->message : NULL;
    if (request->json)
        status = ms_report_json(opened->summary, request->site ? &place : NULL, &request->report,
                                stdout);
    else if (request->site)
        status = ms_report_site(opened->summary, &place, &request->report, stdout);
    else
        status = ms_report_text(opened->summary, &request->report, stdout);
    int code = MS_EXIT_DONE;
    if (status == MEMSCOPE_NOT_FOUND)
        code = no_such_site(verb, opened->summary, &place);
    else if (status != MEMSCOPE_OK)
        code = ms_fail(verb, "%s: %s", opened->path, ms_status_text(status));
    free(place.file);
    if (ms_finish_output(verb) != MS_EXIT_DONE || opened->message[0])
        code = MS_EXIT_FAILED;
    return code;
}

// --- names of foreign sites --------------------------------------------------------------------

#define RESOLVE_TIMEOUT_MS 20000u
#define PROGRESS_AFTER_NS UINT64_C(2000000000)
#define PROGRESS_EVERY_NS UINT64_C(200000000)

struct progress {
    uint64_t start_ns, last_ns;
    bool shown;
};

static void show_progress(void *context, size_t done_count, size_t all_count) {
    struct progress *progress = context;
    uint64_t now = ms_clock_ns(CLOCK_MONOTONIC);
    if (now - progress->start_ns < PROGRESS_AFTER_NS || now - progress->last_ns < PROGRESS_EVERY_NS)
        return;
    fprintf(stderr, "\rmemscope report: names of %zu of %zu sites", done_count, all_count);
    progress->last_ns = now;
    progress->shown = true;
}

// Foreign sites without names are no failure: the report then tells their addresses.
static void resolve(struct ms_summary *summary) {
    struct progress progress = {.start_ns = ms_clock_ns(CLOCK_MONOTONIC)};
    struct ms_resolve_options resolve_options = {
        .symbolizer = getenv("MEMSCOPE_SYMBOLIZER"),
        .timeout_ms = RESOLVE_TIMEOUT_MS,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
        .context = &progress,
    };
    if (!resolve_options.symbolizer || *resolve_options.symbolizer)
        ms_summary_resolve(summary, &resolve_options);
    if (progress.shown)
        fputs("\r\033[K", stderr);
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {.report.order = MS_ORDER_AT_PEAK};
    struct ms_opened opened;
    signal(SIGPIPE, SIG_IGN); // `memscope report | head` is no failure
    if (!parse(verb, argc, argv, &request))
        return request.exit_code;
    if (!ms_open_named(verb, request.name, &opened))
        return MS_EXIT_FAILED;
    resolve(opened.summary);
    int code = show(verb, &opened, &request);
    ms_opened_close(&opened);
    return code;
}

const struct ms_verb ms_verb_report = {
    .name = "report",
    .usage = "[options] [FILE|PID]",
    .purpose = "show what holds memory, from a profile (default: the newest) or a process",
    .options = options,
    .run = run,
};
