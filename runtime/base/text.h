// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Building short texts without stdio and without allocating: what does not fit is cut off, the
// text stays zero-terminated. Async-signal-safe; a struct ms_text belongs to one thread.

#ifndef MS_TEXT_H
#define MS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ms_text {
    char *start;
    size_t length;   // without the terminator
    size_t capacity; // with the terminator, at least 1
};

static inline struct ms_text ms_text_in(char *buffer, size_t capacity) {
    buffer[0] = '\0';
    return (struct ms_text){.start = buffer, .length = 0, .capacity = capacity};
}

void ms_text_bytes(struct ms_text *text, const char *bytes, size_t length);
void ms_text_string(struct ms_text *text, const char *string);
void ms_text_number(struct ms_text *text, uint64_t number);
void ms_text_hex(struct ms_text *text, uint64_t number);

// The text of an errno value, in English; never allocates.
const char *ms_text_error(int error_number);

#endif
