// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verbs share that show one profile: their command line, and how they end.

#ifndef MEMSCOPE_TOOLS_PROFILE_COMMAND_H
#define MEMSCOPE_TOOLS_PROFILE_COMMAND_H

#include "tool.h"

// Options of more than one verb; a verb has those whose rows it lists. Their letters are no other
// option's.
#define MS_JSON_OPTION(meaning) {"json", 'j', false, NULL, meaning}
#define MS_TOP_OPTION(meaning) {"top", 'n', true, "N", meaning}
#define MS_COLOR_OPTION                                                                            \
    {"color", 'c', false, "WHEN", "auto (default), always or never; NO_COLOR is heeded"}
#define MS_OUTPUT_OPTION(meaning) {"output", 'o', true, "FILE", meaning}
#define MS_FORCE_OPTION(meaning) {"force", 'f', false, NULL, meaning}
#define MS_PLUMBING_OPTION                                                                         \
    {"plumbing", 'P', false, NULL, "the frames of Asio and its like one by one"}
#define MS_TEMPLATES_OPTION                                                                        \
    {"fold-templates", 'X', false, NULL, "template arguments in stacks as <…>"}
#define MS_DEBUG_PATH_OPTION                                                                       \
    {"debug-path", 'D', false, "DIR", "where debug info and moved modules are; may be repeated"}

struct ms_command {
    const char *name; // a file or a pid; NULL = the newest profile
    bool json, colour, force, plumbing, has_top;
    size_t top;
    const char *output; // NULL = none was named
    int exit_code;      // where there is nothing to do
};

// One of the verb's own options; its argument is in optarg. False after an error that was printed.
typedef bool ms_take_option(const struct ms_verb *verb, int letter, void *request);

// Options may stand behind the profile as well. False: there is nothing to do.
bool ms_parse_command(const struct ms_verb *verb, int argc, char **argv, ms_take_option *take,
                      void *request, struct ms_command *command_out);

// After a report was written to stdout: prints what went wrong. An exit code: `code`, or that it
// failed, also where the profile is damaged.
int ms_finish_report(const struct ms_verb *verb, const struct ms_opened *opened,
                     memscope_status status, int code);

#endif
