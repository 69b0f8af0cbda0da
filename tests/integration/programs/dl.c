// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// dl.c MODE TIMES LIBRARY…: loads each library in turn, allocates three blocks of 10, 20 and 30 bytes
// in it, frees one there and one after it has gone, and leaves one. Modes:
//
//   again     as the system loads it         moving     never where it was before: a mapping of ours
//                                                        stays at each place
//   threads   as moving, leaving 30,000 bytes; once all have gone a thread allocates 1,000,000
//   deepbind  with RTLD_DEEPBIND             namespace  by dlmopen
//   runpath   the library loads libtwo.so, which its RUNPATH alone can find

#include "dl.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *mode;

static void *load(const char *path)
{
    if (strcmp(mode, "namespace") == 0)
        return dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    return dlopen(path, strcmp(mode, "deepbind") == 0 ? RTLD_NOW | RTLD_DEEPBIND : RTLD_NOW);
}

static int use(const char *path)
{
    static void *previous;
    void *library = load(path);
    struct link_map *map = NULL;
    if (library == NULL || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) {
        fprintf(stderr, "dl.c: %s\n", dlerror());
        return 3;
    }
    void *base = (void *)map->l_addr;
    dl_allocate_function *allocate = (dl_allocate_function *)dlsym(library, "dl_allocate");
    dl_free_function *release = (dl_free_function *)dlsym(library, "dl_free");
    void *freed_inside = allocate(10);
    void *freed_later = allocate(20);
    bool threads = strcmp(mode, "threads") == 0;
    void *left = allocate(threads ? 30000 : 30);
    (void)left;
    release(freed_inside);
    dl_load_function *load_other = (dl_load_function *)dlsym(library, "dl_load");
    if (strcmp(mode, "runpath") == 0 && load_other("libtwo.so") == NULL)
        return 8;
    if (dlclose(library) != 0)
        return 4;
    if (strcmp(mode, "namespace") != 0) // its malloc is another
        free(freed_later);
    if (threads || strcmp(mode, "moving") == 0) {
        if (base == previous)
            return 5;
        previous = mmap(base, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                        -1, 0);
        if (previous != base)
            return 6;
    }
    return 0;
}

static void *allocate_much(void *argument)
{
    void *block = malloc(1000000);
    __asm__ volatile("" : : "r"(block) : "memory");
    free(block);
    return argument;
}

int main(int argc, char **argv)
{
    int result = argc < 4 ? 97 : 0;
    mode = argv[1];
    for (int turn = 0; result == 0 && turn < atoi(argv[2]); ++turn)
        for (int i = 3; result == 0 && i < argc; ++i)
            result = use(argv[i]);
    pthread_t thread;
    if (result == 0 && strcmp(mode, "threads") == 0 &&
        (pthread_create(&thread, NULL, allocate_much, NULL) != 0 ||
         pthread_join(thread, NULL) != 0))
        result = 7;
    return result;
}
