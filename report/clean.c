// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text from a profile may hold anything: a function's name can carry terminal escapes. Only clean
// text leaves the reports.

#include "report.h"

#include <stdlib.h>
#include <string.h>

// Length of the well-formed UTF-8 sequence at `p`, 0 = broken. No overlong forms, no surrogates.
static size_t utf8_length(const unsigned char *p) {
    if (p[0] < 0x80)
        return 1;
    size_t length = p[0] >= 0xC2 && p[0] < 0xE0   ? 2
                    : p[0] >= 0xE0 && p[0] < 0xF0 ? 3
                    : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                                  : 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] >= 0xA0) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] >= 0x90))
        return 0;
    return length;
}

static bool is_control(const unsigned char *p, size_t length) {
    return p[0] < 0x20 || p[0] == 0x7F || (length == 2 && p[0] == 0xC2 && p[1] < 0xA0);
}

void ms_put_clean(FILE *out, const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t length = utf8_length(p);
        if (length == 0) {
            fputs("\xEF\xBF\xBD", out); // U+FFFD
            p++;
        } else if (is_control(p, length)) {
            fprintf(out, "\\x%02x", length == 1 ? p[0] : p[1]);
            p += length;
        } else {
            fwrite(p, 1, length, out);
            p += length;
        }
    }
}

char *ms_clean(const char *text) {
    char *clean = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&clean, &bytes);
    if (!out)
        return NULL;
    ms_put_clean(out, text);
    if (fclose(out) != 0) {
        free(clean);
        return NULL;
    }
    return clean;
}

size_t ms_columns(const char *text) {
    size_t columns = 0;
    for (; *text; text++)
        columns += (*text & 0xC0) != 0x80;
    return columns;
}
