// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library to be loaded and unloaded by dl.c. Its constructor allocates and its destructor frees.

#include "dl.h"

#include <dlfcn.h>
#include <stdlib.h>

static void *own;

__attribute__((constructor)) static void begin(void)
{
    own = malloc(DL_OWN_BYTES);
}

__attribute__((destructor)) static void end(void)
{
    free(own);
}

void *dl_allocate(size_t bytes)
{
    void *block = malloc(bytes);
    __asm__ volatile("" : : "r"(block) : "memory");
    return block;
}

void dl_free(void *block)
{
    free(block);
}

void *dl_load(const char *name)
{
    void *library = dlopen(name, RTLD_NOW);
    __asm__ volatile("" : : "r"(library) : "memory"); // no jump: dlopen looks at its caller
    return library;
}
