// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Libraries that come and go, one at another's address: dlclose.c is the program and, with LIBRARY
// as its name's end, both libraries. A frame must not be taken for one of a library that was there
// before.

#include "chain.h"

#include <stdlib.h>

#ifdef LIBRARY

#define JOIN(a, b) a##b
#define NAMED(a, b) JOIN(a, b)
#define T_DEEPER NAMED(t_deeper_, LIBRARY)
#define T_ENTRY NAMED(t_entry_, LIBRARY)

static NOINLINE void T_DEEPER(void (*call)(size_t)) {
    ENTERED;
    free(TELL(malloc(40), 40));
    call(41);
}

void T_ENTRY(void (*call)(size_t)) {
    ENTERED;
    T_DEEPER(call);
    call(42);
}

#else

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static NOINLINE void t_called(size_t size) {
    ENTERED;
    free(TELL(malloc(size), size));
}

int main(int argc, char **argv) {
    ENTERED;
    static const char *const entries[] = {"t_entry_a", "t_entry_b"};
    if (argc != 4) // TURNS A-LIBRARY ANOTHER
        return 1;
    int turns = atoi(argv[1]), same = 0;
    void *before = NULL;
    for (int turn = 0; turn < turns; turn++) {
        void *library = dlopen(argv[2 + turn % 2], RTLD_NOW);
        void *entry = library ? dlsym(library, entries[turn % 2]) : NULL;
        if (!entry)
            return 1;
        void (*function)(void (*)(size_t));
        memcpy(&function, &entry, sizeof function);
        function(t_called);
        same += entry == before;
        before = entry;
        dlclose(library);
    }
    printf("%d of %d at the same address\n", same, turns);
    return same > 0 ? 0 : 2;
}

#endif
