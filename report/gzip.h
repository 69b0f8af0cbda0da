// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes gzip to a stream: the same bytes for the same content. Included by report/ alone.

#ifndef MEMSCOPE_REPORT_GZIP_H
#define MEMSCOPE_REPORT_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <zlib.h>

struct ms_gzip {
    z_stream stream;
    FILE *out;
};

// False = out of memory. What the stream fails at, ferror tells.
bool ms_gzip_begin(struct ms_gzip *gzip, FILE *out);
bool ms_gzip_write(struct ms_gzip *gzip, const void *bytes, size_t length);
bool ms_gzip_end(struct ms_gzip *gzip);

#endif
