// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gives each distinct string of bytes a number, in the order they come. Included by report/ alone.

#ifndef MEMSCOPE_REPORT_IDS_H
#define MEMSCOPE_REPORT_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ms_ids {
    unsigned char *keys; // one behind the other
    size_t *ends;        // by number: where its key ends
    uint32_t *slots;     // hash table of numbers + 1
    size_t key_capacity, capacity, slot_count;
    uint32_t count;
};

#define MS_NO_ID UINT32_MAX // out of memory

// Numbers begin at 0.
uint32_t ms_id_of(struct ms_ids *ids, const void *key, size_t length, bool *is_new_out);
void ms_ids_release(struct ms_ids *ids);

#endif
