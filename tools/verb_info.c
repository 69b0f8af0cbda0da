// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope info: what a profile is.

#include "tool.h"

#include <getopt.h>
#include <signal.h>

static const struct ms_option options[] = {{0}};

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct ms_opened opened;
    signal(SIGPIPE, SIG_IGN);
    int letter = ms_next_option(verb, argc, argv);
    if (letter == 'h')
        return ms_finish_output(verb);
    if (letter != -1)
        return MS_EXIT_USAGE;
    if (argc - optind > 1)
        return ms_usage(verb, "one profile at a time: \"%s\" is one too many", argv[optind + 1]);
    if (!ms_open_named(verb, argv[optind], &opened))
        return MS_EXIT_FAILED;
    struct ms_report_options report = {.status = opened.message[0] ? opened.message : NULL};
    ms_report_info(opened.summary, &report, stdout);
    int code = ms_finish_output(verb);
    if (opened.message[0])
        code = MS_EXIT_FAILED;
    ms_opened_close(&opened);
    return code;
}

const struct ms_verb ms_verb_info = {
    .name = "info",
    .usage = "[FILE|PID]",
    .purpose = "show what a profile is: process, build ids, options, losses",
    .options = options,
    .run = run,
};
