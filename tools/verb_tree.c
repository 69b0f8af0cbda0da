// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope tree: which calls and which awaits led to the memory.

#include "stacks.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MIN_DEFAULT 0.5

static const struct ms_option options[] = {
    MS_STACK_OPTIONS,
    {"depth", 'd', false, "N", "N levels, 0 = all (default)"},
    {"min", 'm', false, "PERCENT", "sum what is below (default 0.5; JSON: 0)"},
    {"top", 'n', true, "N", "the N heaviest frames, 0 = all (default)"},
    {"json", 'j', false, NULL, "as JSON"},
    MS_DEBUG_PATH_OPTION,
    {"color", 'c', false, "WHEN", "auto (default), always or never; NO_COLOR is heeded"},
    {0},
};

struct request {
    struct ms_stack_request stacks;
    struct ms_tree_options report;
    bool json, has_min;
    const char *name;
    int exit_code; // where there is nothing to do
};

static bool parse_percent(const struct ms_verb *verb, const char *word, double *percent_out) {
    char *end;
    *percent_out = strtod(word, &end);
    if (*word >= '0' && *word <= '9' && *end == '\0' && *percent_out <= 100)
        return true;
    ms_usage(verb, "--min: \"%s\" is no percentage", word);
    return false;
}

static bool take_option(const struct ms_verb *verb, int letter, struct request *request) {
    bool good = true;
    if (ms_take_stack_option(verb, letter, &request->stacks, &good) || !good)
        return good;
    switch (letter) {
    case 'd':
        return ms_parse_count(verb, "--depth", optarg, &request->report.depth);
    case 'm':
        return request->has_min = parse_percent(verb, optarg, &request->report.min_percent);
    case 'n':
        return ms_parse_top(verb, optarg, &request->report.top);
    case 'j':
        return request->json = true;
    case 'D':
        return ms_add_debug_path(verb, optarg);
    case 'c':
        return ms_parse_color(verb, optarg, &request->report.colour);
    case 'h':
        request->exit_code = ms_finish_output(verb);
        return false;
    default:
        return false;
    }
}

static bool parse(const struct ms_verb *verb, int argc, char **argv, struct request *request) {
    int letter;
    bool good = ms_parse_color(verb, "auto", &request->report.colour);
    request->exit_code = MS_EXIT_USAGE;
    // Options may stand behind the file as well.
    for (;;) {
        while (good && (letter = ms_next_option(verb, argc, argv)) != -1)
            good = take_option(verb, letter, request);
        if (!good || optind >= argc)
            return good;
        if (request->name) {
            ms_usage(verb, "one profile at a time: \"%s\" is one too many", argv[optind]);
            return false;
        }
        request->name = argv[optind++];
    }
}

static int show(const struct ms_verb *verb, const struct ms_opened *opened,
                struct request *request) {
    struct ms_contexts *contexts;
    struct ms_stack_tree *tree = NULL;
    if (!ms_open_contexts(verb, opened, &contexts))
        return MS_EXIT_FAILED;
    if (!request->has_min)
        request->report.min_percent = request->json ? 0 : MIN_DEFAULT;
    request->report.width = ms_terminal_width();
    request->report.status = opened->message[0] ? opened->message : NULL;
    memscope_status status = ms_stack_tree_create(contexts, &request->stacks.options, &tree);
    if (status == MEMSCOPE_OK)
        status = request->json ? ms_report_tree_json(tree, &request->report, stdout)
                               : ms_report_tree(tree, &request->report, stdout);
    int code = MS_EXIT_DONE;
    if (status != MEMSCOPE_OK)
        code = ms_fail(verb, "%s: %s", opened->path, ms_status_text(status));
    if (ms_finish_output(verb) != MS_EXIT_DONE || opened->message[0])
        code = MS_EXIT_FAILED;
    ms_stack_tree_destroy(tree);
    ms_contexts_destroy(contexts);
    return code;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {0};
    struct ms_opened opened;
    int code = MS_EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN); // `memscope tree | head` is no failure
    ms_stack_request_begin(&request.stacks);
    if (!parse(verb, argc, argv, &request)) {
        code = request.exit_code;
    } else if (ms_open_named(verb, request.name, &opened)) {
        code = show(verb, &opened, &request);
        ms_opened_close(&opened);
    }
    ms_stack_request_end(&request.stacks);
    return code;
}

const struct ms_verb ms_verb_tree = {
    .name = "tree",
    .usage = "[options] [FILE|PID]",
    .purpose = "show which calls and awaits led to the memory",
    .options = options,
    .run = run,
};
