// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// compile_commands.json: how each source file is compiled.

#ifndef MEMSCOPE_SOURCE_COMMANDS_H
#define MEMSCOPE_SOURCE_COMMANDS_H

#include <memscope/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How one file is compiled, ready for libclang: without its output and without plugins.
struct ms_command {
    char *folder;       // in which it runs
    char *file;         // absolute, links followed where the file is there
    char **arguments;   // "clang" or "clang++" first; ends with NULL
    const char *reason; // why it cannot be used; NULL = it can
    uint64_t hash;
};

struct ms_commands {
    char *path;               // of compile_commands.json
    struct ms_command *items; // by file
    size_t count;
};

// INVALID_ARGUMENT: it is there, but broken; NOT_FOUND: it cannot be opened. *message_out tells
// what and where, to be freed.
memscope_status ms_commands_read(const char *path, struct ms_commands **commands_out,
                                 char **message_out);
void ms_commands_free(struct ms_commands *commands);

// Those of a file, side by side; NULL = none. Equal ones are there once.
const struct ms_command *ms_commands_of(const struct ms_commands *commands, const char *file,
                                        size_t *count_out);

// The nearest compile_commands.json: in `folder` or its build/, or a folder above. Only one that
// belongs to us or to root, and that nobody else can write: what it says is done. To be freed;
// NULL = none.
char *ms_commands_find(const char *folder);

// Words of a command line as a shell splits it, without expansions; NULL = a quote is not closed,
// or no memory. The words and the list are one block, to be freed; it ends with NULL.
char **ms_split_command(const char *text);
// What of a command's words libclang is to be given. The list ends with NULL; its words are those
// of `words`. NULL = no memory, or *reason_out tells why it cannot be used.
char **ms_choose_arguments(char *const *words, const char **reason_out);

#endif
