// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope leaks: what is alive at the end, and by which stacks it came to be.

#include "profile_command.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include <report/leaks.h>

#define TOP_DEFAULT 10

static const struct ms_option options[] = {
    {"suppressions", 'u', false, "FILE",
     "what is meant to stay: LeakSanitizer's lines, leak:PATTERN"},
    {"exit-code", 'e', false, "N", "exit with N (1 to 255) if anything else is alive"},
    MS_TOP_OPTION("show N stacks, 0 = all (default: 10; JSON: all)"),
    MS_JSON_OPTION("as JSON (see docs/contexts.md)"),
    MS_PLUMBING_OPTION,
    MS_DEBUG_PATH_OPTION,
    MS_COLOR_OPTION,
    {0},
};

struct request {
    struct ms_leaks_options report;
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
        return false;
    }
}

static int show(const struct ms_verb *verb, const struct ms_opened *opened,
                const struct ms_contexts *contexts, struct ms_suppressions *suppressions,
                const struct ms_command *command, const struct request *request) {
    struct ms_leaks *leaks;
    memscope_status status = ms_leaks_create(contexts, suppressions, &leaks);
    if (status == MEMSCOPE_OK)
        status = command->json ? ms_report_leaks_json(leaks, &request->report, stdout)
                               : ms_report_leaks(leaks, &request->report, stdout);
    bool any = status == MEMSCOPE_OK && ms_leaks_any(leaks);
    int code =
        ms_finish_report(verb, opened, status, any ? (int)request->alive_code : MS_EXIT_DONE);
    ms_leaks_destroy(leaks);
    return code;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {0};
    struct ms_suppressions suppressions = {0};
    struct ms_contexts *contexts = NULL;
    struct ms_command command;
    struct ms_opened opened;
    char message[MS_MESSAGE_BYTES];
    signal(SIGPIPE, SIG_IGN); // `memscope leaks | head` is no failure
    if (!ms_parse_command(verb, argc, argv, take_option, &request, &command))
        return command.exit_code;
    if (request.suppressions &&
        ms_suppressions_read(request.suppressions, &suppressions, message) != MEMSCOPE_OK) {
        char *clean = ms_clean(message);
        ms_fail(verb, "%s", clean ? clean : "out of memory");
        free(clean);
        return MS_EXIT_FAILED;
    }
    int code = MS_EXIT_FAILED;
    if (ms_open_named(verb, command.name, &opened)) {
        request.report.top = command.has_top || command.json ? command.top : TOP_DEFAULT;
        request.report.colour = command.colour;
        request.report.plumbing = command.plumbing;
        request.report.width = ms_terminal_width();
        request.report.status = opened.message[0] ? opened.message : NULL;
        ms_resolve_sites(verb, opened.summary);
        if (ms_resolve_contexts(verb, opened.summary, &contexts) != MEMSCOPE_OUT_OF_MEMORY)
            code = show(verb, &opened, contexts, &suppressions, &command, &request);
        else
            ms_fail(verb, "%s: %s", opened.path, ms_status_text(MEMSCOPE_OUT_OF_MEMORY));
        ms_contexts_destroy(contexts);
        ms_opened_close(&opened);
    }
    ms_suppressions_free(&suppressions);
    return code;
}

const struct ms_verb ms_verb_leaks = {
    .name = "leaks",
    .usage = "[options] [FILE|PID]",
    .purpose = "show what is alive at the end, by stack and task",
    .options = options,
    .run = run,
};
