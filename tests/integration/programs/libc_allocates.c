// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions that allocate inside libc: what lives at the end is known by line; how often libc
// called malloc meanwhile is the witness's to tell.

#include "truth.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *by_vasprintf(const char *format, ...)
{
    char *out = NULL;
    va_list arguments;
    va_start(arguments, format);
    char *text = TRUTH_LIVE(vasprintf(&out, format, arguments) < 0 ? NULL : out, 8);
    va_end(arguments);
    return text;
}

int main(void)
{
    static char text[3000];
    memset(text, 'a', sizeof text - 1);
    text[1000] = '\n';
    text[2000] = ';';
    FILE *stream = fmemopen(text, sizeof text - 1, "r"); // uninstrumented: a foreign site
    size_t line_size = 0;
    size_t part_size = 0;
    char *line = NULL;
    char *part = NULL;
    line = TRUTH_LIVE(getline(&line, &line_size, stream) > 0 ? line : NULL, line_size);
    part = TRUTH_LIVE(getdelim(&part, &part_size, ';', stream) > 0 ? part : NULL, part_size);
    fclose(stream);
    char *out = NULL;
    char *number = TRUTH_LIVE(asprintf(&out, "%0*d", 500, 7) < 0 ? NULL : out, 501);
    char *other = by_vasprintf("%s-%d", "seven", 7);
    char *copy = TRUTH(strdup(number), 501);
    if (copy == NULL || strlen(copy) != 500 || strcmp(other, "seven-7") != 0)
        return 3;
    truth_print();
    return 0;
}
