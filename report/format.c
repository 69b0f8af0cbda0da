// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers as people read them.

#include "report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

const char *ms_format_count(uint64_t count, char text_out[MS_NUMBER_BYTES]) {
    char digits[MS_NUMBER_BYTES];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = text_out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text_out;
}

const char *ms_format_bytes(uint64_t bytes, char text_out[MS_NUMBER_BYTES]) {
    if (bytes < 100000) {
        ms_format_count(bytes, text_out);
        strcat(text_out, " B");
        return text_out;
    }
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    uint64_t tenth = 100; // bytes in a tenth of the unit
    while (unit < 5 && bytes / tenth >= 9999 + (bytes % tenth < tenth / 2)) {
        unit++;
        tenth *= 1000;
    }
    uint64_t tenths = bytes / tenth + (bytes % tenth >= tenth / 2);
    snprintf(text_out, MS_NUMBER_BYTES, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
             units[unit]);
    return text_out;
}

const char *ms_format_duration(uint64_t ns, char text_out[MS_NUMBER_BYTES]) {
    uint64_t ms = ns / 1000000, seconds = ns / 1000000000;
    if (ms < 1000)
        snprintf(text_out, MS_NUMBER_BYTES, "%" PRIu64 " ms", ms);
    else if (seconds < 60)
        snprintf(text_out, MS_NUMBER_BYTES, "%" PRIu64 ".%" PRIu64 " s", seconds, ms % 1000 / 100);
    else if (seconds < 3600)
        snprintf(text_out, MS_NUMBER_BYTES, "%" PRIu64 " min %" PRIu64 " s", seconds / 60,
                 seconds % 60);
    else
        snprintf(text_out, MS_NUMBER_BYTES, "%" PRIu64 " h %02" PRIu64 " min", seconds / 3600,
                 seconds / 60 % 60);
    return text_out;
}

const char *ms_format_time(uint64_t realtime_ns, char text_out[MS_NUMBER_BYTES]) {
    struct tm utc;
    time_t seconds = (time_t)(realtime_ns / 1000000000);
    gmtime_r(&seconds, &utc);
    size_t length = strftime(text_out, MS_NUMBER_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text_out + length, MS_NUMBER_BYTES - length, ".%03uZ",
             (unsigned)(realtime_ns / 1000000 % 1000));
    return text_out;
}

const char *ms_format_percent(uint64_t part, uint64_t whole, char text_out[MS_NUMBER_BYTES]) {
    if (whole == 0) {
        strcpy(text_out, "-");
        return text_out;
    }
    // Cut, not rounded: 100.0% means all of it.
    uint64_t tenths = (uint64_t)((unsigned __int128)part * 1000 / whole);
    snprintf(text_out, MS_NUMBER_BYTES, "%" PRIu64 ".%" PRIu64 "%%", tenths / 10, tenths % 10);
    return text_out;
}
