// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Many small pieces of memory that are freed at once.

#include "symbols.h"

#include <stdlib.h>

#define BLOCK_BYTES 65536u

struct ms_arena_block {
    struct ms_arena_block *next;
    size_t used, bytes;
    max_align_t content[];
};

void *ms_arena_take(struct ms_arena *arena, size_t bytes) {
    size_t rounded = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct ms_arena_block *block = arena->blocks;
    if (rounded < bytes)
        return NULL;
    if (!block || block->bytes - block->used < rounded) {
        size_t room = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;
        if (!(block = malloc(sizeof *block + room)))
            return NULL;
        *block = (struct ms_arena_block){.next = arena->blocks, .bytes = room};
        arena->blocks = block;
    }
    void *memory = (char *)block->content + block->used;
    block->used += rounded;
    return memory;
}

void ms_arena_free(struct ms_arena *arena) {
    while (arena->blocks) {
        struct ms_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}
