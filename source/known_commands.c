// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#define _GNU_SOURCE // canonicalize_file_name
#include "known_commands.h"

#include <stdlib.h>
#include <string.h>

static memscope_status add(struct ms_known_commands *known, char *path) {
    size_t at = known->count++;
    known->paths[at] = path;
    return ms_commands_read(path, &known->items[at], &known->messages[at]);
}

memscope_status ms_known_commands_read(struct ms_known_commands *known, const char *path) {
    char *copy = strdup(path);
    return copy ? add(known, copy) : MEMSCOPE_OUT_OF_MEMORY;
}

void ms_known_commands_near(struct ms_known_commands *known, const char *file) {
    const char *slash = strrchr(file, '/');
    char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
    char *path = folder ? ms_commands_find(folder) : NULL;
    free(folder);
    bool is_new = path && known->count < MS_KNOWN_COMMANDS_MOST;
    for (size_t i = 0; i < known->count && is_new; i++)
        is_new = strcmp(known->paths[i], path) != 0;
    if (is_new)
        (void)add(known, path);
    else
        free(path);
}

void ms_known_commands_free(struct ms_known_commands *known) {
    for (size_t i = 0; i < known->count; i++) {
        ms_commands_free(known->items[i]);
        free(known->messages[i]);
        free(known->paths[i]);
    }
    *known = (struct ms_known_commands){0};
}

const struct ms_command *ms_known_commands_of(const struct ms_known_commands *known,
                                              const char *file, size_t *count_out) {
    char *real = canonicalize_file_name(file);
    const struct ms_command *found = NULL;
    *count_out = 0;
    for (size_t i = 0; i < known->count && !found; i++)
        if (known->items[i])
            found = ms_commands_of(known->items[i], real ? real : file, count_out);
    free(real);
    return found;
}
