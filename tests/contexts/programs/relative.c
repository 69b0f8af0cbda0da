// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library that is opened by a relative path; then the program goes elsewhere, and only there it
// is first seen. With LIBRARY the library.

#include <stdlib.h>

#ifdef LIBRARY

__attribute__((noinline)) static void *deep_inside(size_t size) {
    void *volatile block = malloc(size);
    return block;
}

void *enter_library(size_t size) {
    void *volatile block = deep_inside(size);
    return block;
}

#else

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3) // LIBRARY FOLDER
        return 1;
    void *library = dlopen(argv[1], RTLD_NOW);
    void *entry = library ? dlsym(library, "enter_library") : NULL;
    void *(*function)(size_t);
    if (!entry || chdir(argv[2]) != 0)
        return 2;
    memcpy(&function, &entry, sizeof function);
    free(function(777));
    return 0;
}

#endif
