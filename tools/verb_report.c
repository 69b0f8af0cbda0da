// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope report: what holds memory, as text or JSON.

#include "profile_command.h"
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
    MS_JSON_OPTION("everything, as JSON (see the schema in docs)"),
    {"sort", 's', false, "KEY", "live, peak, at-peak (default), total, calls or temporary"},
    {"by", 'b', false, "WHAT", "a table of type, container or variable instead of sites"},
    MS_TOP_OPTION("show N sites, 0 = all (default: 15; JSON: all)"),
    {"stacks", 'S', false, "N",
     "the largest stack of N sites (default: 3); with --site its N largest (10); 0 = none"},
    {"site", 'l', false, "FILE:LINE", "all about the sites of one line, with each thread's share"},
    MS_COMMANDS_OPTION,
    {"no-source", 'N', false, NULL, "no types from the source"},
    MS_PLUMBING_OPTION,
    MS_TEMPLATES_OPTION,
    MS_DEBUG_PATH_OPTION,
    MS_COLOR_OPTION,
    {0},
};

struct request {
    struct ms_report_options report;
    bool has_stacks, has_by;
    enum ms_by by;
    struct ms_source_request source;
    const char *site;
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

static bool take_option(const struct ms_verb *verb, int letter, void *context) {
    struct request *request = context;
    switch (letter) {
    case 's':
        return parse_sort(verb, optarg, &request->report.order);
    case 'b':
        return request->has_by = parse_by(verb, optarg, &request->by);
    case 'S':
        return request->has_stacks =
                   ms_parse_count(verb, "--stacks", optarg, &request->report.stacks);
    case 'l':
        request->site = optarg;
        return true;
    case 'p':
        request->source.commands = optarg;
        return true;
    case 'N':
        return request->source.is_off = true;
    default:
        return false;
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
                const struct ms_command *command, struct request *request) {
    struct ms_place place = {0};
    memscope_status status;
    if (request->site && ms_place_parse(request->site, &place) != MEMSCOPE_OK)
        return ms_usage(verb, "--site: \"%s\" is not FILE:LINE", request->site);
    if (request->has_by && (command->json || request->site))
        return ms_usage(verb, "--by is a table of its own: without --site, and --json has it");
    request->report.top = command->has_top || command->json ? command->top : TOP_DEFAULT;
    request->report.colour = command->colour;
    request->report.plumbing = command->plumbing;
    request->report.width = ms_terminal_width();
    request->report.status = opened->message[0] ? opened->message : NULL;
    if (command->json)
        status = ms_report_json(opened->summary, request->site ? &place : NULL, &request->report,
                                stdout);
    else if (request->has_by)
        status = ms_report_by(opened->summary, request->by, &request->report, stdout);
    else if (request->site)
        status = ms_report_site(opened->summary, &place, &request->report, stdout);
    else
        status = ms_report_text(opened->summary, &request->report, stdout);
    int code = MS_EXIT_DONE;
    if (status == MEMSCOPE_NOT_FOUND) {
        code = no_such_site(verb, opened->summary, &place);
        status = MEMSCOPE_OK; // it was told
    }
    free(place.file);
    return ms_finish_report(verb, opened, status, code);
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {.report.order = MS_ORDER_AT_PEAK,
                              .source.timeout_ms = MS_SOURCE_TIMEOUT_MS};
    struct ms_source_result from_source;
    struct ms_command command;
    struct ms_opened opened;
    signal(SIGPIPE, SIG_IGN); // `memscope report | head` is no failure
    if (!ms_parse_command(verb, argc, argv, take_option, &request, &command))
        return command.exit_code;
    if (!ms_open_named(verb, command.name, &opened))
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
    if ((command.json || (request.report.stacks > 0 && !request.has_by)) &&
        ms_resolve_contexts(verb, opened.summary, &contexts) == MEMSCOPE_OUT_OF_MEMORY) {
        ms_fail(verb, "%s: %s", opened.path, ms_status_text(MEMSCOPE_OUT_OF_MEMORY));
    } else {
        request.report.contexts = contexts;
        code = show(verb, &opened, &command, &request);
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
