// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "text.h"

#include <errno.h>
#include <string.h>

void ms_text_bytes(struct ms_text *text, const char *bytes, size_t length) {
    size_t room = text->capacity - 1 - text->length;
    if (length > room)
        length = room;
    memcpy(text->start + text->length, bytes, length);
    text->length += length;
    text->start[text->length] = '\0';
}

void ms_text_string(struct ms_text *text, const char *string) {
    ms_text_bytes(text, string, strlen(string));
}

static void put_number(struct ms_text *text, uint64_t number, unsigned base) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    ms_text_bytes(text, digits + at, sizeof digits - at);
}

void ms_text_number(struct ms_text *text, uint64_t number) {
    put_number(text, number, 10);
}

void ms_text_hex(struct ms_text *text, uint64_t number) {
    put_number(text, number, 16);
}

const char *ms_text_error(int error_number) {
    static const struct {
        int number;
        const char *text;
    } known[] = {
        {EACCES, "permission denied"},
        {EPERM, "not ours, or open to others"},
        {ENOENT, "no such folder"},
        {ENOTDIR, "not a folder"},
        {EEXIST, "it exists already"},
        {ELOOP, "it is a symbolic link"},
        {ENOSPC, "no space left on the device"},
        {EFBIG, "the file size limit (ulimit -f) is reached"},
        {EDQUOT, "the disk quota is used up"},
        {EROFS, "the file system is read-only"},
        {EOPNOTSUPP, "the file system cannot allocate blocks ahead"},
        {ENAMETOOLONG, "the name is too long"},
        {EMFILE, "too many open files"},
        {ENFILE, "too many open files in the system"},
        {ENOMEM, "out of memory or of addresses (ulimit -v)"},
        {EISDIR, "it is a folder"},
        {EPIPE, "nobody reads it any more"},
        {EAGAIN, "it would have to wait, and does not (O_NONBLOCK)"},
        {EIO, "an input or output error"},
        {EBADF, "its descriptor was closed and its name does not lead to it"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].number == error_number)
            return known[i].text;
    return "the system refused";
}
