// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope leaks: what is alive at the end, and by which stacks it came to be.

#include "tool.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include <report/leaks.h>

#define TOP_DEFAULT 10

static const struct ms_option options[] = {
    {"suppressions", 'u', false, "FILE",
     "what is meant to stay: LeakSanitizer's lines, leak:PATTERN"},
    {"exit-code", 'e', false, "N", "exit with N (1 to 255) if anything else is alive"},
    {"top", 'n', true, "N", "show N stacks, 0 = all (default: 10; JSON: all)"},
    {"json", 'j', false, NULL, "as JSON (see docs/contexts.md)"},
    MS_DEBUG_PATH_OPTION,
    {"color", 'c', false, "WHEN", "auto (default), always or never; NO_COLOR is heeded"},
    {0},
};

struct request {
    struct ms_leaks_options report;
    bool json, has_top;
    const char *name, *suppressions;
    size_t alive_code; // the exit code for what is alive
    int exit_code;     // where there is nothing to do
};

static bool parse_exit_code(const struct ms_verb *verb, const char *word, size_t *code_out) {
    if (!ms_parse_count(verb, "--exit-code", word, code_out))
        return false;
    if (*code_out >= 1 && *code_out <= 255)
        return true;
    ms_usage(verb, "--exit-code: \"%s\" is not between 1 and 255", word);
    return false;
}

static bool take_option(const struct ms_verb *verb, int letter, struct request *request) {
    switch (letter) {
    case 'u':
        request->suppressions = optarg;
        return true;
    case 'e':
        return parse_exit_code(verb, optarg, &request->alive_code);
    case 'n':
        return request->has_top = ms_parse_top(verb, optarg, &request->report.top);
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
                const struct ms_contexts *contexts, struct ms_suppressions *suppressions,
                const struct request *request) {
    struct ms_leaks *leaks;
    memscope_status status = ms_leaks_create(contexts, suppressions, &leaks);
    if (status == MEMSCOPE_OK)
        status = request->json ? ms_report_leaks_json(leaks, &request->report, stdout)
                               : ms_report_leaks(leaks, &request->report, stdout);
    int code = MS_EXIT_DONE;
    if (status == MEMSCOPE_OK && ms_leaks_any(leaks))
        code = (int)request->alive_code;
    if (status != MEMSCOPE_OK)
        code = ms_fail(verb, "%s: %s", opened->path, ms_status_text(status));
    if (ms_finish_output(verb) != MS_EXIT_DONE || opened->message[0])
        code = MS_EXIT_FAILED;
    ms_leaks_destroy(leaks);
    return code;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {0};
    struct ms_suppressions suppressions = {0};
    struct ms_contexts *contexts = NULL;
    struct ms_opened opened;
    char message[MS_MESSAGE_BYTES];
    signal(SIGPIPE, SIG_IGN); // `memscope leaks | head` is no failure
    if (!parse(verb, argc, argv, &request))
        return request.exit_code;
    if (request.suppressions &&
        ms_suppressions_read(request.suppressions, &suppressions, message) != MEMSCOPE_OK) {
        char *clean = ms_clean(message);
        ms_fail(verb, "%s", clean ? clean : "out of memory");
        free(clean);
        return MS_EXIT_FAILED;
    }
    int code = MS_EXIT_FAILED;
    if (ms_open_named(verb, request.name, &opened)) {
        if (!request.has_top)
            request.report.top = request.json ? 0 : TOP_DEFAULT;
        request.report.width = ms_terminal_width();
        request.report.status = opened.message[0] ? opened.message : NULL;
        ms_resolve_sites(verb, opened.summary);
        if (ms_resolve_contexts(verb, opened.summary, &contexts) != MEMSCOPE_OUT_OF_MEMORY)
            code = show(verb, &opened, contexts, &suppressions, &request);
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
