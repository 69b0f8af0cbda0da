// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the profiles of a run go, and the options that say so.

#define _GNU_SOURCE // get_current_dir_name, asprintf
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATTERN "memscope.%e.%p" MEMSCOPE_PROFILE_SUFFIX

char *ms_output_pattern(const char *given) {
    if (!given)
        given = DEFAULT_PATTERN;
    if (given[0] == '/')
        return strdup(given);
    char *folder = get_current_dir_name(), *pattern = NULL;
    size_t bytes = 0;
    FILE *out = folder ? open_memstream(&pattern, &bytes) : NULL;
    if (out) {
        // The folder is no pattern: its percent signs stand for themselves.
        for (const char *at = folder; *at; at++) {
            if (*at == '%')
                fputc('%', out);
            fputc(*at, out);
        }
        fprintf(out, "%s%s", strcmp(folder, "/") == 0 ? "" : "/", given);
        if (fclose(out) != 0) {
            free(pattern);
            pattern = NULL;
        }
    }
    free(folder);
    return pattern;
}

char *ms_output_options(const char *before, const char *pattern, bool strict) {
    char quote = strchr(pattern, '\'') ? '"' : '\'', *options = NULL;
    if (strchr(pattern, quote)) {
        errno = EINVAL;
        return NULL;
    }
    bool any = before && *before;
    if (asprintf(&options, "%s%soutput=%c%s%c%s", any ? before : "", any ? ":" : "", quote, pattern,
                 quote, strict ? ":strict=1" : "") < 0)
        return NULL;
    return options;
}
