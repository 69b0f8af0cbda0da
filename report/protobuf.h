// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As much of Protocol Buffers' encoding as profile.proto needs. Included by report/ alone.

#ifndef MEMSCOPE_REPORT_PROTOBUF_H
#define MEMSCOPE_REPORT_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A message being written. `failed`: out of memory, and what it holds is not whole.
struct ms_protobuf {
    unsigned char *bytes;
    size_t length, capacity;
    bool failed;
};

// A number of 0 is what its absence means, and is left out.
void ms_protobuf_number(struct ms_protobuf *message, uint32_t field, uint64_t value);
void ms_protobuf_bytes(struct ms_protobuf *message, uint32_t field, const void *bytes,
                       size_t length);
void ms_protobuf_message(struct ms_protobuf *message, uint32_t field,
                         const struct ms_protobuf *part);
// A repeated number; also zeros.
void ms_protobuf_numbers(struct ms_protobuf *message, uint32_t field, const uint64_t *values,
                         size_t count);
// Empties it and keeps its room.
void ms_protobuf_clear(struct ms_protobuf *message);
void ms_protobuf_release(struct ms_protobuf *message);

#endif
