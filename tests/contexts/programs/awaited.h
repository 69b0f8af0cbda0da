// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The chain of awaiting coroutines, told from one to the next: chain.h for coroutines.

#ifndef MS_TESTS_AWAITED_H
#define MS_TESTS_AWAITED_H

#include "chain.h"

#include <cstdio>
#include <cstring>
#include <new>

struct Awaited {
    char text[400]; // "await a:12;await b:34;spawn c", or ";spawn c"
    size_t bytes;
};

static inline Awaited spawned(const char *where) {
    Awaited by = {};
#ifdef UNKNOWN_SPAWN // by a library's function that is not inlined: its own is the place
    (void)where;
#else
    snprintf(by.text, sizeof by.text, ";spawn %s", where);
#endif
    return by;
}

// What a coroutine awaits is awaited by it, at the line of this call (0: at one that nobody knows);
// `bytes`: what it allocates itself, 0 = nothing.
static inline Awaited awaited(const Awaited &by, const char *name, size_t bytes,
                              int line = __builtin_LINE()) {
    Awaited next = {};
    char place[16] = "";
    if (bytes == 0 && line > 0)
        snprintf(place, sizeof place, ":%d", line);
    snprintf(next.text, sizeof next.text, "%s%s%s%s%s", bytes ? "" : "await ", name, place,
             strncmp(by.text, "await", 5) == 0 ? ";" : "", by.text);
    next.bytes = bytes;
    return next;
}

static NOINLINE void t_leaf(const Awaited &by) {
    struct chain chain;
    chain.count = 0;
    struct chain *before = chain_switch(&chain);
    chain_enter(by.text);
    chain_enter("t_leaf");
    ::operator delete(TELL(::operator new(by.bytes), by.bytes));
    chain_switch(before);
}

#endif
