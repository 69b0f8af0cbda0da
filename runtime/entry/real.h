// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions the program would call without us: the next definition after ours in the link
// order, or the program's own where that hides ours. Resolved once, at start; constant then.

#ifndef MS_REAL_H
#define MS_REAL_H

#include "platform/platform.h"

#include <stdbool.h>
#include <stddef.h>

struct ms_real {
    void *(*malloc)(size_t); // pads by itself where least_bytes asks for it; the others do not
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    void (*free)(void *);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    size_t least_bytes;   // a smaller request goes on as this one: blocks must not share a granule
    const char *module;   // path of the object that serves malloc
    const char *in_front; // the library before us whose malloc would call ours, NULL = none
    bool hidden;          // the program's own malloc hides ours: only hooks are counted
    bool is_static;       // no dynamic linker: only hooks are counted
};

extern MS_INTERNAL struct ms_real ms_real;

// The same for our interposed functions: another only where there is a library in front.
extern struct ms_real ms_next;

// Fills ms_real. Until then its functions serve from a small static stretch of memory, for what the
// dynamic linker allocates while it looks them up.
// `passive`: another runtime comes first in this process and calls on to this one.
void ms_real_resolve(bool passive);

// From now on ms_kept_realloc stands before the allocator's realloc. At start, once.
void ms_real_watch_realloc(void);

// realloc(block, 0): whether it frees or gives a block of no bytes is the allocator's choice. Such
// a block would be the allocator's smallest, and is grown to least_bytes.
void *ms_real_realloc_to_nothing(const struct ms_real *table, void *block);

// Is `block` from that stretch? Such blocks are never given back.
bool ms_real_is_early(const void *block);
// Copies an early block into `block`, of `bytes` bytes; returns `block`.
void *ms_early_move(void *block, const void *early, size_t bytes);

// The definition of `name` the program would use without us: the visible one where it is not `own`
// (something hides ours), else the next one; NULL = none.
void *ms_real_symbol(const char *name, const void *own);
// The definition the program sees, ours or another's; NULL = none.
void *ms_real_visible(const char *name);
// The malloc family (interpose.c knows which are ours).
void ms_real_find_family(struct ms_real *found);
// The object that holds the function at `address`; NULL = not known.
const char *ms_real_module_of(const void *address);

#endif
