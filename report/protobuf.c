// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A field is its number and type as a varint, then the value: a varint, or length and bytes. A
// varint has seven bits in each byte, the lowest first, and the high bit where more follow.

#include "protobuf.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, LENGTH = 2 };

static unsigned char *room_for(struct ms_protobuf *message, size_t length) {
    if (message->capacity - message->length < length) {
        size_t capacity = 2 * (message->length + length) + 64;
        unsigned char *bytes = realloc(message->bytes, capacity);
        if (!bytes) {
            message->failed = true;
            return NULL;
        }
        message->bytes = bytes;
        message->capacity = capacity;
    }
    message->length += length;
    return message->bytes + message->length - length;
}

static size_t varint_length(uint64_t value) {
    size_t length = 1;
    for (; value >= 0x80; value >>= 7)
        length++;
    return length;
}

static void put_varint(struct ms_protobuf *message, uint64_t value) {
    unsigned char *to = room_for(message, varint_length(value));
    for (; to && value >= 0x80; value >>= 7)
        *to++ = (unsigned char)(value | 0x80);
    if (to)
        *to = (unsigned char)value;
}

void ms_protobuf_number(struct ms_protobuf *message, uint32_t field, uint64_t value) {
    if (value == 0)
        return;
    put_varint(message, (uint64_t)field << 3 | VARINT);
    put_varint(message, value);
}

void ms_protobuf_bytes(struct ms_protobuf *message, uint32_t field, const void *bytes,
                       size_t length) {
    put_varint(message, (uint64_t)field << 3 | LENGTH);
    put_varint(message, length);
    unsigned char *to = room_for(message, length);
    if (to && length > 0)
        memcpy(to, bytes, length);
}

void ms_protobuf_message(struct ms_protobuf *message, uint32_t field,
                         const struct ms_protobuf *part) {
    ms_protobuf_bytes(message, field, part->bytes, part->length);
    message->failed |= part->failed;
}

void ms_protobuf_numbers(struct ms_protobuf *message, uint32_t field, const uint64_t *values,
                         size_t count) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += varint_length(values[i]);
    put_varint(message, (uint64_t)field << 3 | LENGTH);
    put_varint(message, length);
    for (size_t i = 0; i < count; i++)
        put_varint(message, values[i]);
}

void ms_protobuf_clear(struct ms_protobuf *message) {
    message->length = 0;
}

void ms_protobuf_release(struct ms_protobuf *message) {
    free(message->bytes);
    *message = (struct ms_protobuf){0};
}
