// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library that is opened by a relative path; then the program goes elsewhere, and only there it
// is first seen. With a third argument it is closed and opened again at another address. With
// LIBRARY the library.

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
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// What `library` begins at; *function_out is its function.
static char *find(void *library, void *(**function_out)(size_t)) {
    void *entry = library ? dlsym(library, "enter_library") : NULL;
    Dl_info info;
    if (!entry || !dladdr(entry, &info))
        exit(2);
    memcpy(function_out, &entry, sizeof entry);
    return info.dli_fbase;
}

int main(int argc, char **argv) {
    if (argc < 3) // LIBRARY FOLDER
        return 1;
    int here = open(".", O_PATH | O_DIRECTORY);
    void *library = dlopen(argv[1], RTLD_NOW);
    void *(*functions[2])(size_t);
    char *base = find(library, &functions[0]);
    if (chdir(argv[2]) != 0)
        return 3;
    for (int turn = 0; turn < (argc > 3 ? 2 : 1); turn++) {
        if (turn == 1) {
            dlclose(library);
            void *room = mmap(base, 4096, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (room != base || fchdir(here) != 0)
                return 4;
            library = dlopen(argv[1], RTLD_NOW);
            if (find(library, &functions[1]) == base)
                return 5;
        }
        free(functions[turn](777));
    }
    return 0;
}

#endif
