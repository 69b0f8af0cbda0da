// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// loader.c STEP:LIBRARY…: loads libraries in the ways the step says and calls guest() in them, with
// allocations of its own around them, in its books. The guest's last block is freed here.

#include "truth.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void work(void)
{
    for (int i = 0; i < 50; ++i) {
        void *p = TRUTH(malloc(40), 40);
        if (i % 2)
            free(TRUTH_FREE(p));
    }
}

static void *load(const char *how, const char *library)
{
    if (strcmp(how, "namespace") == 0)
        return dlmopen(LM_ID_NEWLM, library, RTLD_NOW);
    if (strcmp(how, "base") == 0)
        return dlmopen(LM_ID_BASE, library, RTLD_NOW);
    if (strcmp(how, "deepbind") == 0)
        return dlopen(library, RTLD_NOW | RTLD_DEEPBIND);
    if (strcmp(how, "global") == 0)
        return dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    return dlopen(library, RTLD_NOW);
}

int main(int argc, char **argv)
{
    work();
    for (int i = 1; i < argc; ++i) {
        char how[32] = "";
        size_t length = strcspn(argv[i], ":");
        memcpy(how, argv[i], length);
        void *handle = load(how, argv[i] + length + 1);
        if (handle == NULL) {
            puts(dlerror());
            return 91;
        }
        void *(*guest)(int) = (void *(*)(int))dlsym(handle, "guest");
        if (guest != NULL) {
            void *block = guest(10);
            // Of another namespace's allocator it must not be freed here.
            if (strcmp(how, "namespace") != 0)
                free(block);
        }
        work();
    }
    truth_print();
    return 0;
}
