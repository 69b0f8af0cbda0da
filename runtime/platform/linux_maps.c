// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading /proc/self/maps without allocating: "low-high perms offset device inode path" a line.

#include "platform.h"

#include <string.h>

struct lines {
    int fd;
    int64_t have, at;
    char buffer[1024];
};

static int next_char(struct lines *lines) {
    if (lines->at == lines->have) {
        lines->have = ms_sys_read(lines->fd, lines->buffer, sizeof lines->buffer);
        lines->at = 0;
    }
    return lines->have > 0 ? (unsigned char)lines->buffer[lines->at++] : -1;
}

// A hexadecimal number and the character behind it.
static int number(struct lines *lines, uintptr_t *value_out) {
    uintptr_t value = 0;
    for (;;) {
        int c = next_char(lines);
        if (c >= '0' && c <= '9')
            value = value * 16 + (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (uintptr_t)(c - 'a') + 10;
        else {
            *value_out = value;
            return c;
        }
    }
}

static void skip_line(struct lines *lines) {
    for (int c = 0; c != '\n' && c >= 0;)
        c = next_char(lines);
}

// The line of a mapping, up to its bounds.
static bool find(struct lines *lines, uintptr_t address, uintptr_t *low_out, uintptr_t *high_out) {
    lines->fd = ms_sys_open_read("/proc/self/maps");
    lines->have = lines->at = 0;
    while (lines->fd >= 0) {
        if (number(lines, low_out) != '-' || number(lines, high_out) < 0)
            break;
        if (address >= *low_out && address < *high_out)
            return true;
        skip_line(lines);
    }
    return false;
}

bool ms_sys_mapping(uintptr_t address, uintptr_t *low_out, uintptr_t *high_out) {
    struct lines lines;
    uintptr_t low, high;
    bool found = find(&lines, address, &low, &high);
    if (found) {
        *low_out = low;
        *high_out = high;
    }
    if (lines.fd >= 0)
        ms_sys_close(lines.fd);
    return found;
}

// A line feed is written as \012.
static size_t unescape(char *path) {
    size_t length = 0;
    for (const char *at = path; *at; at++) {
        bool is_escaped = at[0] == '\\' && at[1] == '0' && at[2] == '1' && at[3] == '2';
        path[length++] = is_escaped ? '\n' : *at;
        at += is_escaped ? 3 : 0;
    }
    path[length] = '\0';
    return length;
}

bool ms_sys_mapped_file(uintptr_t address, char *path_out, size_t bytes) {
    static const char deleted[] = " (deleted)";
    struct lines lines;
    uintptr_t low, high;
    size_t length = 0;
    int c = 0;
    if (find(&lines, address, &low, &high)) {
        while (c != '/' && c != '\n' && c >= 0) // neither rights nor numbers have one
            c = next_char(&lines);
        for (; c != '\n' && c > 0 && length < bytes; c = next_char(&lines))
            path_out[length++] = (char)c;
    }
    if (lines.fd >= 0)
        ms_sys_close(lines.fd);
    if (length == 0 || length == bytes)
        return false;
    path_out[length] = '\0';
    length = unescape(path_out);
    if (length >= sizeof deleted &&
        memcmp(path_out + length - (sizeof deleted - 1), deleted, sizeof deleted) == 0)
        path_out[length - (sizeof deleted - 1)] = '\0';
    return true;
}

void ms_sys_mapped_names(void (*each)(const char *name)) {
    struct lines lines = {.fd = ms_sys_open_read("/proc/self/maps")};
    char name[256], last[256] = "";
    size_t length = 0;
    bool has_path = false; // neither rights nor numbers have a slash
    for (int c; lines.fd >= 0 && (c = next_char(&lines)) >= 0;) {
        if (c == '/') {
            has_path = true;
            length = 0;
        } else if (c != '\n') {
            if (has_path && length < sizeof name - 1)
                name[length++] = (char)c;
        } else {
            name[length] = '\0';
            if (length > 0 && strcmp(name, last) != 0)
                each(memcpy(last, name, length + 1));
            has_path = false;
            length = 0;
        }
    }
    if (lines.fd >= 0)
        ms_sys_close(lines.fd);
}
