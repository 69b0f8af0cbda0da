// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope flame: a flame graph as an SVG file.

#include "stacks.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct ms_option options[] = {
    MS_OUTPUT_OPTION("the SVG file, - = standard output (default: PROFILE.svg)"),
    MS_FORCE_OPTION("replace a file that is there"),
    MS_STACK_OPTIONS,
    {"colour", 'C', false, "KEY", "module (default): whose code; task: whose memory"},
    {"icicle", 'i', false, NULL, "the root at the top"},
    MS_PLUMBING_OPTION,
    MS_TEMPLATES_OPTION,
    MS_DEBUG_PATH_OPTION,
    {0},
};

struct request {
    struct ms_stack_request stacks;
    struct ms_flame_options flame;
};

static bool parse_colours(const struct ms_verb *verb, const char *word, bool *by_task_out) {
    static const char *const words[] = {"module", "task", NULL};
    int colours = 0;
    bool good = ms_parse_word(verb, "--colour", "key", word, words, &colours);
    *by_task_out = colours == 1;
    return good;
}

static bool take_option(const struct ms_verb *verb, int letter, void *context) {
    struct request *request = context;
    switch (letter) {
    case 'C':
        return parse_colours(verb, optarg, &request->flame.by_task);
    case 'i':
        return request->flame.icicle = true;
    default:
        return ms_take_stack_option(verb, letter, &request->stacks);
    }
}

static int draw(const struct ms_verb *verb, const struct ms_opened *opened,
                const struct request *request, bool force, const char *path) {
    struct ms_contexts *contexts;
    struct ms_stack_tree *tree = NULL;
    struct ms_written_file file;
    int code = MS_EXIT_FAILED;
    if (!ms_open_contexts(verb, opened, &contexts))
        return code;
    memscope_status status = ms_stack_tree_create(contexts, &request->stacks.options, &tree);
    if (status != MEMSCOPE_OK) {
        ms_fail(verb, "%s: %s", opened->path, ms_status_text(status));
    } else if (ms_write_begin(verb, path, force, opened, &file)) {
        status = ms_put_flame(tree, &request->flame, file.stream);
        code = ms_write_end(verb, &file, status);
        if (code == MS_EXIT_DONE && file.path)
            fprintf(stderr, "wrote %s; any browser opens it\n", path);
    }
    ms_stack_tree_destroy(tree);
    ms_contexts_destroy(contexts);
    return opened->message[0] ? MS_EXIT_FAILED : code;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {0};
    struct ms_command command;
    struct ms_opened opened;
    int code = MS_EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN);
    ms_stack_request_begin(&request.stacks);
    bool good = ms_parse_command(verb, argc, argv, take_option, &request, &command);
    request.stacks.options.keep_plumbing = command.plumbing;
    if (!good) {
        code = command.exit_code;
    } else if (ms_open_named(verb, command.name, &opened)) {
        char *beside = command.output ? NULL : ms_path_beside(opened.path, ".svg");
        const char *path = command.output ? command.output : beside;
        code = path ? draw(verb, &opened, &request, command.force, path)
                    : ms_fail(verb, "%s", ms_status_text(MEMSCOPE_OUT_OF_MEMORY));
        free(beside);
        ms_opened_close(&opened);
    }
    ms_stack_request_end(&request.stacks);
    return code;
}

const struct ms_verb ms_verb_flame = {
    .name = "flame",
    .usage = "[options] [FILE|PID]",
    .purpose = "draw a flame graph of a profile, as one SVG file",
    .options = options,
    .run = run,
};
