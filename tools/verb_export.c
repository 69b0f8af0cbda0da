// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope export: a profile in the formats of other tools.

#include "export_rs.h"
#include "stacks.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct ms_option options[] = {
    {"format", 'F', false, "FORMAT", "collapsed, pprof, memscope-rs or memscope-strategy"},
    MS_OUTPUT_OPTION("- = standard output (default; else beside PROFILE)"),
    MS_FORCE_OPTION("replace files that are there"),
    MS_BY_OPTION,
    MS_FILTER_OPTIONS,
    MS_TEMPLATES_OPTION,
    MS_DEBUG_PATH_OPTION,
    {0},
};

enum format {
    FORMAT_NONE,
    FORMAT_COLLAPSED,
    FORMAT_PPROF,
    FORMAT_MEMSCOPE_RS,
    FORMAT_MEMSCOPE_STRATEGY
};

// The name, and how the profile's is changed where no output is named; NULL = standard output.
static const struct {
    const char *name, *suffix;
} formats[] = {
    [FORMAT_COLLAPSED] = {"collapsed", NULL},
    [FORMAT_PPROF] = {"pprof", ".pb.gz"},
    [FORMAT_MEMSCOPE_RS] = {"memscope-rs", ".memscope-rs"},
    [FORMAT_MEMSCOPE_STRATEGY] = {"memscope-strategy", NULL},
};
enum { FORMATS = sizeof formats / sizeof *formats };

struct request {
    enum format format;
    enum ms_stack_measure by;
    bool has_by;
    struct ms_filter_request filters;
};

static bool parse_format(const struct ms_verb *verb, const char *word, enum format *format_out) {
    const char *words[FORMATS] = {0};
    for (int i = 1; i < FORMATS; i++)
        words[i - 1] = formats[i].name;
    int format = 0;
    bool good = ms_parse_word(verb, "--format", "format", word, words, &format);
    *format_out = (enum format)(format + 1);
    return good;
}

static bool take_option(const struct ms_verb *verb, int letter, void *context) {
    struct request *request = context;
    switch (letter) {
    case 'F':
        return parse_format(verb, optarg, &request->format);
    case 'B':
        return request->has_by = ms_parse_measure(verb, optarg, &request->by);
    default:
        return ms_take_filter_option(verb, letter, &request->filters);
    }
}

static bool check(const struct ms_verb *verb, const struct request *request, const char *output) {
    bool is_of_stacks = request->format == FORMAT_COLLAPSED || request->format == FORMAT_PPROF;
    const char *filter = ms_filters_first(&request->filters.filters);
    if (request->format == FORMAT_NONE)
        ms_usage(verb, "--format: collapsed, pprof, memscope-rs or memscope-strategy?");
    else if (request->format == FORMAT_PPROF && request->has_by)
        ms_usage(verb, "--by: pprof files hold all, its -sample_index chooses");
    else if (request->format != FORMAT_COLLAPSED && request->has_by)
        ms_usage(verb, "--by: %s files hold all", formats[request->format].name);
    else if (!is_of_stacks && filter)
        ms_usage(verb, "--%s: %s files hold all", filter, formats[request->format].name);
    else if (request->format == FORMAT_MEMSCOPE_RS && output && strcmp(output, "-") == 0)
        ms_usage(verb, "--output: memscope-rs files go into a folder");
    else
        return true;
    return false;
}

static int export_stacks(const struct ms_verb *verb, const struct ms_opened *opened,
                         const struct request *request, bool force, const char *path) {
    struct ms_contexts *contexts;
    struct ms_written_file file;
    int code = MS_EXIT_FAILED;
    if (!ms_open_contexts(verb, opened, &contexts))
        return code;
    if (ms_write_begin(verb, path, force, opened, &file)) {
        const struct ms_stack_filters *filters = &request->filters.filters;
        memscope_status status =
            request->format == FORMAT_PPROF
                ? ms_put_pprof(contexts, filters, file.stream)
                : ms_put_collapsed(contexts, request->by, filters, file.stream);
        code = ms_write_end(verb, &file, status);
        if (code == MS_EXIT_DONE && file.path)
            fprintf(stderr, "wrote %s%s\n", path,
                    request->format == FORMAT_PPROF ? "; `go tool pprof` opens it" : "");
    }
    ms_contexts_destroy(contexts);
    return code;
}

static int export(const struct ms_verb *verb, const struct ms_opened *opened,
                  const struct request *request, bool force, const char *path) {
    int code;
    if (request->format == FORMAT_MEMSCOPE_RS)
        code = ms_export_rs_files(verb, opened, force, path);
    else if (request->format == FORMAT_MEMSCOPE_STRATEGY)
        code = ms_export_rs_strategy(verb, opened, force, path);
    else
        code = export_stacks(verb, opened, request, force, path);
    return opened->message[0] ? MS_EXIT_FAILED : code;
}

static int open_and_export(const struct ms_verb *verb, const struct ms_command *command,
                           const struct request *request) {
    struct ms_opened opened;
    if (!ms_open_named(verb, command->name, &opened))
        return MS_EXIT_FAILED;
    const char *suffix = formats[request->format].suffix;
    char *beside = suffix ? ms_path_beside(opened.path, suffix) : NULL;
    int code = export(verb, &opened, request, command->force,
                      command->output ? command->output
                      : beside        ? beside
                                      : "-");
    free(beside);
    ms_opened_close(&opened);
    return code;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {.by = MS_STACKS_BY_AT_PEAK};
    struct ms_command command;
    int code = MS_EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN); // `memscope export | head` is no failure
    if (!ms_parse_command(verb, argc, argv, take_option, &request, &command))
        code = command.exit_code;
    else if (check(verb, &request, command.output))
        code = open_and_export(verb, &command, &request);
    ms_filter_request_end(&request.filters);
    return code;
}

const struct ms_verb ms_verb_export = {
    .name = "export",
    .usage = "--format=FORMAT [options] [FILE|PID]",
    .purpose = "write a profile in a format of another tool",
    .options = options,
    .run = run,
};
