// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// own_allocator.c NAME: blocks of 0 to 24 bytes, which jemalloc, mimalloc and tcmalloc place 8
// bytes apart, from sites that take turns. Asks the allocator NAME itself whether each block is
// its own, and ends with 3 where one is not. The allocator may be linked or preloaded.

#include "truth.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 4000

static const char *name;
static void *ask; // the allocator's function that knows its own blocks

static void find_owner_function(void)
{
    const char *symbol = strcmp(name, "jemalloc") == 0   ? "mallctl"
                         : strcmp(name, "mimalloc") == 0 ? "mi_is_in_heap_region"
                                                         : "MallocExtension_GetOwnership";
    ask = dlsym(RTLD_DEFAULT, symbol);
    if (ask == NULL) {
        dprintf(2, "no %s in this process\n", symbol);
        _Exit(3);
    }
}

static bool is_the_allocators(void *block)
{
    if (strcmp(name, "jemalloc") == 0) {
        unsigned arena;
        size_t length = sizeof arena;
        int (*mallctl)(const char *, void *, size_t *, void *, size_t) = ask;
        return mallctl("arenas.lookup", &arena, &length, (void *)&block, sizeof block) == 0;
    }
    if (strcmp(name, "mimalloc") == 0)
        return ((bool (*)(const void *))ask)(block);
    return ((int (*)(const void *))ask)(block) == 1; // kOwned
}

static void *checked(void *block)
{
    if (!is_the_allocators(block)) {
        dprintf(2, "a block that is not %s's\n", name);
        _Exit(3);
    }
    return block;
}

static void *make(int turn)
{
    void *aligned = NULL;
    switch (turn % 6) {
    case 0:
        return TRUTH(malloc(8), 8);
    case 1:
        return TRUTH(calloc(1, 7), 7);
    case 2:
        return TRUTH(malloc(0), 0);
    case 3:
        return TRUTH(posix_memalign(&aligned, 8, 16) == 0 ? aligned : NULL, 16);
    case 4:
        return TRUTH(aligned_alloc(8, 8), 8);
    default:
        return TRUTH(malloc(24), 24);
    }
}

// Whether this frees or gives a block of no bytes is the allocator's choice.
static void *shrunk_to_nothing(void *block, size_t zero)
{
    void *left = TRUTH_REALLOC(block, realloc(block, zero), 0);
    return left;
}

int main(int argc, char **argv)
{
    static void *kept[COUNT];
    name = argc > 1 ? argv[1] : "none";
    find_owner_function();
    for (int i = 0; i < COUNT; ++i)
        kept[i] = checked(make(i));
    for (int i = 0; i < COUNT; i += 5)
        kept[i] = checked(TRUTH_REALLOC(kept[i], realloc(kept[i], 9), 9));
    for (int i = 1; i < COUNT; i += 5)
        kept[i] = shrunk_to_nothing(kept[i], (size_t)argc - 2);
    for (int i = 0; i < COUNT; i += 2)
        free(TRUTH_FREE(kept[i])); // of each pair of neighbours one stays
    for (int i = 0; i < COUNT; i += 4)
        kept[i] = checked(make(i + 1));
    truth_print();
    return 0;
}
