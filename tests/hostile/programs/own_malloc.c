// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program's own malloc, in a file of its own: the least that programs get away with, blocks 16
// bytes apart. served() tells whether a block came from here.

#include <stddef.h>
#include <string.h>

static char pool[1 << 20] __attribute__((aligned(16)));
static size_t used;

int served(const void *block)
{
    return (const char *)block >= pool && (const char *)block < pool + sizeof pool;
}

void *malloc(size_t bytes)
{
    bytes = bytes ? (bytes + 15) & ~(size_t)15 : 16;
    if (bytes > sizeof pool - used)
        return NULL;
    used += bytes;
    return pool + used - bytes;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t bytes)
{
    return malloc(count * bytes); // never used twice, so zero
}

void *realloc(void *old, size_t bytes)
{
    void *block = malloc(bytes);
    if (block != NULL && old != NULL)
        memmove(block, old, bytes);
    return block;
}
