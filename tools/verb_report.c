// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope report: what holds memory, as text or JSON.

#include "source_types.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TOP_DEFAULT 15
#define STACKS_DEFAULT 3
#define STACKS_DEFAULT_SITE 10 // of one site's detail

static const struct ms_option options[] = {
    {"json", 'j', false, NULL, "everything, as JSON (see the schema in docs)"},
    {"sort", 's', false, "KEY", "live, peak, at-peak (default), total, calls or temporary"},
    {"by", 'b', false, "WHAT", "a table of type, container or variable instead of sites"},
    {"top", 'n', true, "N", "show N sites, 0 = all (default: 15; JSON: all)"},
    {"stacks", 'S', false, "N",
     "the largest stack of N sites (default: 3); with --site its N largest (10); 0 = none"},
    {"site", 'l', false, "FILE:LINE", "all about the sites of one line, with each thread's share"},
    MS_COMMANDS_OPTION,
    {"no-source", 'N', false, NULL, "no types from the source"},
    MS_DEBUG_PATH_OPTION,
    {"color", 'c', false, "WHEN", "auto (default), always or never; NO_COLOR is heeded"},
    {0},
};

struct request {
    struct ms_report_options report;
    bool json, has_top, has_stacks, has_by;
    enum ms_by by;
    struct ms_source_request source;
    const char *site, *name;
    int exit_code; // where there is nothing to do
};

static bool parse_sort(const struct ms_verb *verb, const char *word, enum ms_order *order_out) {
    const char *words[16] = {0};
    int order = 0;
    for (int i = 0; ms_order_name((enum ms_order)i); i++)
        words[i] = ms_order_name((enum ms_order)i);
    bool good = ms_parse_word(verb, "--sort", "key", word, words, &order);
    *order_out = (enum ms_order)order;
    return good;
}

static bool parse_by(const struct ms_verb *verb, const char *word, enum ms_by *by_out) {
    const char *words[8] = {0};
    int by = 0;
    for (int i = 0; ms_by_name((enum ms_by)i); i++)
        words[i] = ms_by_name((enum ms_by)i);
    bool good = ms_parse_word(verb, "--by", "word", word, words, &by);
    *by_out = (enum ms_by)by;
    return good;
}

static bool parse(const struct ms_verb *verb, int argc, char **argv, struct request *request) {
    int letter;
    bool good = ms_parse_color(verb, "auto", &request->report.colour);
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
            case 'b':
                good = request->has_by = parse_by(verb, optarg, &request->by);
                break;
            case 'n':
                good = request->has_top = ms_parse_top(verb, optarg, &request->report.top);
                break;
            case 'S':
                good = request->has_stacks =
                    ms_parse_count(verb, "--stacks", optarg, &request->report.stacks);
                break;
            case 'l':
                request->site = optarg;
                break;
            case 'p':
                request->source.commands = optarg;
                break;
            case 'N':
                request->source.is_off = true;
                break;
            case 'D':
                good = ms_add_debug_path(verb, optarg);
                break;
            case 'c':
                good = ms_parse_color(verb, optarg, &request->report.colour);
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
    if (request->site && ms_place_parse(request->site, &place) != MEMSCOPE_OK)
        return ms_usage(verb, "--site: \"%s\" is not FILE:LINE", request->site);
    if (request->has_by && (request->json || request->site))
        return ms_usage(verb, "--by is a table of its own: without --site, and --json has it");
    if (!request->has_top)
        request->report.top = request->json ? 0 : TOP_DEFAULT;
    request->report.width = ms_terminal_width();
    request->report.status = opened->message[0] ? opened->message : NULL;
    if (request->json)
        status = ms_report_json(opened->summary, request->site ? &place : NULL, &request->report,
                                stdout);
    else if (request->has_by)
        status = ms_report_by(opened->summary, request->by, &request->report, stdout);
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

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {.report.order = MS_ORDER_AT_PEAK,
                              .source.timeout_ms = MS_SOURCE_TIMEOUT_MS};
    struct ms_source_result from_source;
    struct ms_opened opened;
    signal(SIGPIPE, SIG_IGN); // `memscope report | head` is no failure
    if (!parse(verb, argc, argv, &request))
        return request.exit_code;
    if (!ms_open_named(verb, request.name, &opened))
        return MS_EXIT_FAILED;
    if (!request.has_stacks)
        request.report.stacks = request.site ? STACKS_DEFAULT_SITE : STACKS_DEFAULT;
    struct ms_contexts *contexts = NULL;
    ms_resolve_sites(verb, opened.summary);
    // Sites without a type are no failure; commands that the user named and that are broken are
    // one.
    bool broken = ms_source_types(verb, opened.summary, &request.source, &from_source) ==
                  MEMSCOPE_INVALID_ARGUMENT;
    ms_source_result_free(&from_source);
    int code = MS_EXIT_FAILED;
    if ((request.json || (request.report.stacks > 0 && !request.has_by)) &&
        ms_resolve_contexts(verb, opened.summary, &contexts) == MEMSCOPE_OUT_OF_MEMORY) {
        ms_fail(verb, "%s: %s", opened.path, ms_status_text(MEMSCOPE_OUT_OF_MEMORY));
    } else {
        request.report.contexts = contexts;
        code = show(verb, &opened, &request);
    }
    if (broken && code == MS_EXIT_DONE)
        code = MS_EXIT_FAILED;
    ms_contexts_destroy(contexts);
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
