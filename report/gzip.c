// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// zlib does it. Its header of gzip has no time and no name unless it is given some.

#include "gzip.h"

#include <limits.h>

#define GZIP_WINDOW (15 + 16)
#define MEMORY_LEVEL 8

bool ms_gzip_begin(struct ms_gzip *gzip, FILE *out) {
    *gzip = (struct ms_gzip){.out = out};
    return deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                        Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool run(struct ms_gzip *gzip, int flush) {
    unsigned char packed[16384];
    int status;
    do {
        gzip->stream.next_out = packed;
        gzip->stream.avail_out = sizeof packed;
        status = deflate(&gzip->stream, flush);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return false;
        fwrite(packed, 1, sizeof packed - gzip->stream.avail_out, gzip->out);
    } while (gzip->stream.avail_out == 0);
    return flush != Z_FINISH || status == Z_STREAM_END;
}

bool ms_gzip_write(struct ms_gzip *gzip, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    bool good = true;
    while (length > 0 && good) {
        unsigned part = length > UINT_MAX ? UINT_MAX : (unsigned)length;
        gzip->stream.next_in = (unsigned char *)at;
        gzip->stream.avail_in = part;
        good = run(gzip, Z_NO_FLUSH);
        at += part;
        length -= part;
    }
    return good;
}

bool ms_gzip_end(struct ms_gzip *gzip) {
    bool good = run(gzip, Z_FINISH);
    deflateEnd(&gzip->stream);
    return good;
}
