// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope leaks: what is alive at the end, and by which stacks it came to be.

#include "stacks.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include <report/leaks.h>

#define TOP_DEFAULT 10

static const struct ms_option options[] = {
    {"suppressions", 'u', false, "FILE",
     "what is meant to stay: LeakSanitizer's lines, leak:PATTERN"},
    {"exit-code", 'e', false, "N", "exit with N (1 to 255) if anything else is alive"},
    MS_FILTER_OPTIONS,
    MS_TOP_OPTION("show N stacks, 0 = all (default: 10; JSON: all)"),
    MS_JSON_OPTION("as JSON (see docs/contexts.md)"),
    MS_PLUMBING_OPTION,
    MS_DEBUG_PATH_OPTION,
    MS_COLOR_OPTION,
    {0},
};

struct request {
    struct ms_filter_request filters;
    const char *suppressions;
    size_t alive_code; // the exit code for what is alive
};

static bool parse_exit_code(const struct ms_verb *verb, const char *word, size_t *code_out) {
    if (!ms_parse_count(verb, "--exit-code", word, code_out))
        return false;
    if (*code_out >= 1 && *code_out <= 255)
        return true;
    ms_usage(verb, "--exit-code: \"%s\" is not between 1 and 255", word);
    return false;
}

static bool take_option(const struct ms_verb *verb, int letter, void *context) {
    struct request *request = context;
    switch (letter) {
    case 'u':
        request->suppressions = optarg;
        return true;
    case 'e':
        return parse_exit_code(verb, optarg, &request->alive_code);
    default:
        return ms_take_filter_option(verb, letter, &request->filters);
    }
}

static int show(const struct ms_verb *verb, const struct ms_opened *opened,
                const struct ms_contexts *contexts, struct ms_suppressions *suppressions,
                const struct ms_command *command, const struct request *request) {
    const struct ms_leaks_options report = {
        .top = command->has_top || command->json ? command->top : TOP_DEFAULT,
        .colour = command->colour,
        .width = ms_terminal_width(),
        .plumbing = command->plumbing,
        .status = opened->message[0] ? opened->message : NULL,
    };
    struct ms_leaks *leaks;
    memscope_status status =
        ms_leaks_create(contexts, suppressions, &request->filters.filters, &leaks);
    if (status == MEMSCOPE_OK)
        status = command->json ? ms_report_leaks_json(leaks, &report, stdout)
                               : ms_report_leaks(leaks, &report, stdout);
    bool any = status == MEMSCOPE_OK && ms_leaks_any(leaks);
    int code =
        ms_finish_report(verb, opened, status, any ? (int)request->alive_code : MS_EXIT_DONE);
    ms_leaks_destroy(leaks);
    return code;
}

static bool read_suppressions(const struct ms_verb *verb, const char *path,
                              struct ms_suppressions *suppressions_out) {
    char message[MS_MESSAGE_BYTES];
    if (!path || ms_suppressions_read(path, suppressions_out, message) == MEMSCOPE_OK)
        return true;
    char *clean = ms_clean(message);
    ms_fail(verb, "%s", clean ? clean : "out of memory");
    free(clean);
    return false;
}

static int open_and_show(const struct ms_verb *verb, const struct ms_command *command,
                         const struct request *request) {
    struct ms_suppressions suppressions = {0};
    struct ms_contexts *contexts;
    struct ms_opened opened;
    int code = MS_EXIT_FAILED;
    if (!read_suppressions(verb, request->suppressions, &suppressions))
        return code;
    if (ms_open_named(verb, command->name, &opened)) {
        if (ms_open_contexts(verb, &opened, &contexts)) {
            code = show(verb, &opened, contexts, &suppressions, command, request);
            ms_contexts_destroy(contexts);
        }
        ms_opened_close(&opened);
    }
    ms_suppressions_free(&suppressions);
    return code;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {0};
    struct ms_command command;
    signal(SIGPIPE, SIG_IGN); // `memscope leaks | head` is no failure
    int code = ms_parse_command(verb, argc, argv, take_option, &request, &command)
                   ? open_and_show(verb, &command, &request)
                   : command.exit_code;
    ms_filter_request_end(&request.filters);
    return code;
}

const struct ms_verb ms_verb_leaks = {
    .name = "leaks",
    .usage = "[options] [FILE|PID]",
    .purpose = "show what is alive at the end, by stack and task",
    .options = options,
    .run = run,
};
