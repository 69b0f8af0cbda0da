// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading /proc/self/maps without allocating: "low-high perms offset device inode path" a line.

#include "platform.h"

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

bool ms_sys_mapping(uintptr_t address, uintptr_t *low_out, uintptr_t *high_out) {
    struct lines lines = {.fd = ms_sys_open_read("/proc/self/maps")};
    bool found = false;
    if (lines.fd < 0)
        return false;
    while (!found) {
        uintptr_t low, high;
        if (number(&lines, &low) != '-' || number(&lines, &high) < 0)
            break;
        found = address >= low && address < high;
        if (found) {
            *low_out = low;
            *high_out = high;
        }
        for (int c = 0; c != '\n' && c >= 0;)
            c = next_char(&lines);
    }
    ms_sys_close(lines.fd);
    return found;
}
