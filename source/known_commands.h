// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compile commands of a profile's sources: those that the user named, or those found near them.

#ifndef MEMSCOPE_SOURCE_KNOWN_COMMANDS_H
#define MEMSCOPE_SOURCE_KNOWN_COMMANDS_H

#include "commands.h"
#include "source.h"

#define MS_KNOWN_COMMANDS_MOST 16

struct ms_known_commands {
    struct ms_commands *items[MS_KNOWN_COMMANDS_MOST];
    char *messages[MS_KNOWN_COMMANDS_MOST]; // NULL = it was read
    char *paths[MS_KNOWN_COMMANDS_MOST];
    size_t count;
};

// The one that is named; its status.
memscope_status ms_known_commands_read(struct ms_known_commands *known, const char *path);
// Looks from the folder of a file upwards.
void ms_known_commands_near(struct ms_known_commands *known, const char *file);
void ms_known_commands_free(struct ms_known_commands *known);
const struct ms_command *ms_known_commands_of(const struct ms_known_commands *known,
                                              const char *file, size_t *count_out);

#endif
