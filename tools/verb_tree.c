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
    MS_TOP_OPTION("the N heaviest frames, 0 = all (default)"),
    MS_JSON_OPTION("as JSON"),
    MS_PLUMBING_OPTION,
    MS_TEMPLATES_OPTION,
    MS_DEBUG_PATH_OPTION,
    MS_COLOR_OPTION,
    {0},
};

struct request {
    struct ms_stack_request stacks;
    struct ms_tree_options report;
    bool has_min;
};

static bool parse_percent(const struct ms_verb *verb, const char *word, double *percent_out) {
    char *end;
    *percent_out = strtod(word, &end);
    if (*word >= '0' && *word <= '9' && *end == '\0' && *percent_out <= 100)
        return true;
    ms_usage(verb, "--min: \"%s\" is no percentage", word);
    return false;
}

static bool take_option(const struct ms_verb *verb, int letter, void *context) {
    struct request *request = context;
    switch (letter) {
    case 'd':
        return ms_parse_count(verb, "--depth", optarg, &request->report.depth);
    case 'm':
        return request->has_min = parse_percent(verb, optarg, &request->report.min_percent);
    default:
        return ms_take_stack_option(verb, letter, &request->stacks);
    }
}

static int show(const struct ms_verb *verb, const struct ms_opened *opened,
                const struct ms_command *command, struct request *request) {
    struct ms_contexts *contexts;
    struct ms_stack_tree *tree = NULL;
    if (!ms_open_contexts(verb, opened, &contexts))
        return MS_EXIT_FAILED;
    if (!request->has_min)
        request->report.min_percent = command->json ? 0 : MIN_DEFAULT;
    request->report.top = command->top;
    request->report.colour = command->colour;
    request->stacks.options.keep_plumbing = command->plumbing;
    request->report.width = ms_terminal_width();
    request->report.status = opened->message[0] ? opened->message : NULL;
    memscope_status status = ms_stack_tree_create(contexts, &request->stacks.options, &tree);
    if (status == MEMSCOPE_OK)
        status = command->json ? ms_report_tree_json(tree, &request->report, stdout)
                               : ms_report_tree(tree, &request->report, stdout);
    int code = ms_finish_report(verb, opened, status, MS_EXIT_DONE);
    ms_stack_tree_destroy(tree);
    ms_contexts_destroy(contexts);
    return code;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {0};
    struct ms_command command;
    struct ms_opened opened;
    int code = MS_EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN); // `memscope tree | head` is no failure
    ms_stack_request_begin(&request.stacks);
    if (!ms_parse_command(verb, argc, argv, take_option, &request, &command)) {
        code = command.exit_code;
    } else if (ms_open_named(verb, command.name, &opened)) {
        code = show(verb, &opened, &command, &request);
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
