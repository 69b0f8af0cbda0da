// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lines that fit a screen.

#include "report.h"

#include <stdlib.h>

void ms_put_line(FILE *out, unsigned width, const char *line) {
    size_t columns = ms_columns(line);
    if (width == 0 || columns <= width) {
        fputs(line, out);
    } else {
        size_t room = width > 1 ? width - 1 : 0;
        const char *at = line;
        for (size_t column = 0; column < room; column++)
            for (at++; (*at & 0xC0) == 0x80; at++)
                ;
        fwrite(line, 1, (size_t)(at - line), out);
        fputs("…", out);
    }
    fputc('\n', out);
}

FILE *ms_line_begin(struct ms_line *line) {
    *line = (struct ms_line){0};
    return line->stream = open_memstream(&line->text, &line->bytes);
}

memscope_status ms_line_end(struct ms_line *line, FILE *out, unsigned width) {
    bool good = line->stream && fclose(line->stream) == 0;
    if (good)
        ms_put_line(out, width, line->text);
    free(line->text);
    return good ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
}
