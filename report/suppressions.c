// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Suppressions files, as LeakSanitizer reads them.

#include "leaks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KIND "leak:"

// As a file name's: each star takes as little as it can.
static bool matches(const char *pattern, const char *end, const char *text, bool to_the_end) {
    const char *star = NULL, *behind = NULL; // the last star, and what it took up to
    for (;;) {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            behind = text;
        } else if (pattern == end && (!to_the_end || !*text)) {
            return true;
        } else if (pattern < end && *text && *pattern == *text) {
            pattern++;
            text++;
        } else if (star && *behind) {
            pattern = star;
            text = ++behind;
        } else {
            return false;
        }
    }
}

bool ms_pattern_matches(const char *pattern, const char *text) {
    const char *end = pattern + strlen(pattern);
    bool to_the_end = end > pattern && end[-1] == '$';
    if (!text || !*text)
        return false;
    end -= to_the_end;
    if (*pattern == '^' && pattern < end)
        return matches(pattern + 1, end, text, to_the_end);
    for (; *text; text++)
        if (matches(pattern, end, text, to_the_end))
            return true;
    return false;
}

static char *trim(char *line) {
    line += strspn(line, " \t\r\n");
    size_t length = strlen(line);
    while (length > 0 && strchr(" \t\r\n", line[length - 1]))
        line[--length] = '\0';
    return line;
}

static memscope_status take_line(char *line, uint32_t number, const char *path,
                                 struct ms_suppressions *suppressions,
                                 char message[MS_MESSAGE_BYTES]) {
    char *text = trim(line);
    const char *wrong = NULL;
    if (!*text || *text == '#')
        return MEMSCOPE_OK;
    if (strncmp(text, KIND, strlen(KIND)) != 0)
        wrong = "is not leak:PATTERN";
    else if (!*trim(text + strlen(KIND)))
        wrong = "has no pattern";
    if (wrong) {
        snprintf(message, MS_MESSAGE_BYTES, "%s:%" PRIu32 ": \"%.200s\" %s", path, number, text,
                 wrong);
        return MEMSCOPE_INVALID_ARGUMENT;
    }
    size_t bytes = (suppressions->count + 1) * sizeof *suppressions->items;
    struct ms_suppression *items = realloc(suppressions->items, bytes);
    if (items)
        suppressions->items = items;
    char *pattern = items ? strdup(trim(text + strlen(KIND))) : NULL;
    if (!pattern)
        return MEMSCOPE_OUT_OF_MEMORY;
    items[suppressions->count++] = (struct ms_suppression){.pattern = pattern, .line = number};
    return MEMSCOPE_OK;
}

memscope_status ms_suppressions_read(const char *path, struct ms_suppressions *suppressions_out,
                                     char message[MS_MESSAGE_BYTES]) {
    *suppressions_out = (struct ms_suppressions){0};
    message[0] = '\0';
    FILE *file = fopen(path, "re");
    memscope_status status = MEMSCOPE_OK;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    errno = file ? 0 : errno;
    for (uint32_t number = 1; file && status == MEMSCOPE_OK; number++) {
        if ((length = getline(&line, &capacity, file)) < 0)
            break;
        if (memchr(line, '\0', (size_t)length)) {
            snprintf(message, MS_MESSAGE_BYTES, "%s:%" PRIu32 ": no text", path, number);
            status = MEMSCOPE_INVALID_ARGUMENT;
        } else {
            status = take_line(line, number, path, suppressions_out, message);
        }
    }
    if (status == MEMSCOPE_OK && (!file || ferror(file))) {
        snprintf(message, MS_MESSAGE_BYTES, "%s: %s", path, strerror(errno ? errno : EIO));
        status = MEMSCOPE_IO;
    } else if (status == MEMSCOPE_OUT_OF_MEMORY) {
        snprintf(message, MS_MESSAGE_BYTES, "%s: out of memory", path);
    }
    free(line);
    if (file)
        fclose(file);
    if (status != MEMSCOPE_OK)
        ms_suppressions_free(suppressions_out);
    return status;
}

void ms_suppressions_free(struct ms_suppressions *suppressions) {
    for (size_t i = 0; i < suppressions->count; i++)
        free(suppressions->items[i].pattern);
    free(suppressions->items);
    *suppressions = (struct ms_suppressions){0};
}
