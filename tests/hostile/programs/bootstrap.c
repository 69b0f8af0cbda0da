// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Somebody else's malloc wrapper, as they are usually written: it looks for the next definition at
// the first call, serves what dlsym itself allocates from a static buffer, and must not be entered
// twice by one thread.

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[4096];
static size_t used;
static long calls;
static __thread int depth;
static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

static void find(void)
{
    static int finding;
    if (finding)
        return;
    finding = 1;
    next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
}

static void enter(void)
{
    ++calls;
    if (depth++ == 0)
        return;
    static const char text[] = "bootstrap: entered twice\n";
    (void)!write(2, text, sizeof text - 1);
    _exit(96);
}

void *malloc(size_t bytes)
{
    if (next_malloc == NULL)
        find();
    enter();
    void *block = next_malloc(bytes);
    --depth;
    return block;
}

void *calloc(size_t count, size_t bytes)
{
    if (next_calloc == NULL)
        find();
    if (next_calloc == NULL) {
        void *block = buffer + used;
        used += (count * bytes + 15) & ~(size_t)15;
        return block;
    }
    enter();
    void *block = next_calloc(count, bytes);
    --depth;
    return block;
}

void *realloc(void *old, size_t bytes)
{
    if (next_realloc == NULL)
        find();
    enter();
    void *block = next_realloc(old, bytes);
    --depth;
    return block;
}

void free(void *block)
{
    if (block == NULL || ((char *)block >= buffer && (char *)block < buffer + sizeof buffer))
        return;
    if (next_free == NULL)
        find();
    enter();
    next_free(block);
    --depth;
}

__attribute__((destructor)) static void tell(void)
{
    static const char text[] = "bootstrap: called\n";
    if (calls > 100)
        (void)!write(2, text, sizeof text - 1);
}
