// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the plugin wrote of the files that hold sites, in the section memscope_sources of a module
// (pass/source_sums.h): for each "unit", "file" and "MD5, 32 hex digits", each ended by a zero
// byte.

#include "lines.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTION "memscope_sources"

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_md5(const char *text, uint8_t md5[MS_MD5_BYTES]) {
    for (size_t i = 0; i < MS_MD5_BYTES; i++) {
        int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);
        if (low < 0)
            return false;
        md5[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * (size_t)MS_MD5_BYTES] == '\0';
}

// Units follow each other file by file.
static bool add(struct ms_line_table *table, const char *unit, const char *file,
                const uint8_t md5[MS_MD5_BYTES]) {
    struct ms_line_unit *into = table->count ? &table->units[table->count - 1] : NULL;
    if (!into || strcmp(into->files[0].path, unit) != 0) {
        into = ms_line_table_unit(table);
        if (!into || !ms_line_unit_add(into, unit, NULL))
            return false;
    }
    struct ms_line_file *own = &into->files[0];
    if (strcmp(own->path, file) != 0)
        return ms_line_unit_add(into, file, md5);
    own->has_md5 = true;
    memcpy(own->md5, md5, MS_MD5_BYTES);
    return true;
}

bool ms_line_table_parse_sums(const uint8_t *bytes, size_t count, struct ms_line_table *table) {
    const char *at = (const char *)bytes, *end = at + count;
    while (at < end) {
        const char *texts[3];
        uint8_t md5[MS_MD5_BYTES];
        for (int i = 0; i < 3; i++) {
            const char *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
            if (!zero) {
                table->broken_count++;
                return true;
            }
            texts[i] = at;
            at = zero + 1;
        }
        if (!*texts[0] || !*texts[1] || !get_md5(texts[2], md5)) {
            table->broken_count++;
            return true;
        }
        if (!add(table, texts[0], texts[1], md5))
            return false;
    }
    return true;
}

bool ms_line_table_read_sums(const char *path, struct ms_line_table *table) {
    size_t count;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    uint8_t *bytes = ms_elf_section(fd, SECTION, &count);
    close(fd);
    bool good = bytes && ms_line_table_parse_sums(bytes, count, table) && table->count > 0;
    free(bytes);
    return good;
}
