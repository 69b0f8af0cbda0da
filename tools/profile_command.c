// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "profile_command.h"

#include <getopt.h>
#include <string.h>

static bool take_json(const struct ms_verb *verb, struct ms_command *command) {
    (void)verb;
    return command->json = true;
}

static bool take_top(const struct ms_verb *verb, struct ms_command *command) {
    return command->has_top = ms_parse_top(verb, optarg, &command->top);
}

static bool take_color(const struct ms_verb *verb, struct ms_command *command) {
    return ms_parse_color(verb, optarg, &command->colour);
}

static bool take_output(const struct ms_verb *verb, struct ms_command *command) {
    (void)verb;
    command->output = optarg;
    return true;
}

static bool take_force(const struct ms_verb *verb, struct ms_command *command) {
    (void)verb;
    return command->force = true;
}

static bool take_plumbing(const struct ms_verb *verb, struct ms_command *command) {
    (void)verb;
    return command->plumbing = true;
}

static bool take_debug_path(const struct ms_verb *verb, struct ms_command *command) {
    (void)command;
    return ms_add_debug_path(verb, optarg);
}

static bool take_templates(const struct ms_verb *verb, struct ms_command *command) {
    (void)verb;
    (void)command;
    ms_fold_templates();
    return true;
}

static bool take_help(const struct ms_verb *verb, struct ms_command *command) {
    command->exit_code = ms_finish_output(verb);
    return false;
}

static bool take_error(const struct ms_verb *verb, struct ms_command *command) {
    (void)verb;
    (void)command;
    return false;
}

static const struct {
    int letter;
    bool (*take)(const struct ms_verb *verb, struct ms_command *command);
} common[] = {
    {'j', take_json},  {'n', take_top},      {'c', take_color},      {'o', take_output},
    {'f', take_force}, {'P', take_plumbing}, {'D', take_debug_path}, {'X', take_templates},
    {'h', take_help},  {'?', take_error},
};

static bool take_option(const struct ms_verb *verb, int letter, ms_take_option *take, void *request,
                        struct ms_command *command) {
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (common[i].letter == letter)
            return common[i].take(verb, command);
    return take(verb, letter, request);
}

bool ms_parse_command(const struct ms_verb *verb, int argc, char **argv, ms_take_option *take,
                      void *request, struct ms_command *command_out) {
    int letter;
    *command_out = (struct ms_command){.exit_code = MS_EXIT_USAGE};
    bool good = ms_parse_color(verb, "auto", &command_out->colour);
    for (;;) {
        while (good && (letter = ms_next_option(verb, argc, argv)) != -1)
            good = take_option(verb, letter, take, request, command_out);
        if (!good || optind >= argc)
            return good;
        if (command_out->name) {
            ms_usage(verb, "one profile at a time: \"%s\" is one too many", argv[optind]);
            return false;
        }
        command_out->name = argv[optind++];
    }
}

int ms_finish_report(const struct ms_verb *verb, const struct ms_opened *opened,
                     memscope_status status, int code) {
    if (status != MEMSCOPE_OK)
        code = ms_fail(verb, "%s: %s", opened->path, ms_status_text(status));
    if (ms_finish_output(verb) != MS_EXIT_DONE || opened->message[0])
        code = MS_EXIT_FAILED;
    return code;
}
