// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An allocator that signal handlers may call: it only ever takes the next bytes.

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum { POOL = 1 << 30 };
static char pool[POOL] __attribute__((aligned(64)));
static atomic_size_t used;

void *malloc(size_t bytes)
{
    bytes = (bytes + 16 + 15) & ~(size_t)15;
    size_t at = atomic_fetch_add(&used, bytes);
    if (at + bytes > POOL)
        return NULL;
    memcpy(pool + at, &bytes, sizeof bytes);
    return pool + at + 16;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t bytes)
{
    return malloc(count * bytes);
}

void *realloc(void *old, size_t bytes)
{
    void *block = malloc(bytes);
    size_t before = 0;
    if (old != NULL)
        memcpy(&before, (char *)old - 16, sizeof before);
    if (block != NULL && old != NULL)
        memcpy(block, old, before - 16 < bytes ? before - 16 : bytes);
    return block;
}
