// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The malloc family as every module of the process sees it, so that memory of libraries nobody
// instrumented is counted too, under the address the call returns to. Weak in the static runtime:
// a program's own allocator, or libc's in a static link, wins, and only hooks are counted.

#include "interpose.h"

#define MS_REAL ms_next
#include "family.h"

#include <stdlib.h>

#ifdef MEMSCOPE_STATIC_PROGRAM
#define MS_FAMILY(ret, name, params)                                                               \
    ret ms_own_##name params;                                                                      \
    ret ms_own_##name params
#else
#define MS_FAMILY MS_INTERPOSE
#endif

#if defined(MEMSCOPE_STATIC_RUNTIME) && !defined(MEMSCOPE_STATIC_PROGRAM)
// A static link must take libc's allocator, or the weak definitions here would be all there is.
extern void *__libc_malloc(size_t bytes);
void *(*const ms_libc_malloc_anchor)(size_t)__attribute__((used)) = __libc_malloc;
#endif

MS_FAMILY(void *, malloc, (size_t bytes)) {
    return ms_do_malloc(bytes, MS_HERE);
}

MS_FAMILY(void *, calloc, (size_t count, size_t size)) {
    return ms_do_calloc(count, size, MS_HERE);
}

MS_FAMILY(void *, realloc, (void *block, size_t bytes)) {
    return ms_do_realloc(block, bytes, MS_HERE);
}

MS_FAMILY(void *, reallocarray, (void *block, size_t count, size_t size)) {
    return ms_do_reallocarray(block, count, size, MS_HERE);
}

MS_FAMILY(void, free, (void *block)) {
    ms_do_free(block);
}

MS_FAMILY(void, cfree, (void *block)) {
    ms_do_free(block);
}

MS_FAMILY(void, free_sized, (void *block, size_t bytes)) {
    (void)bytes;
    ms_do_free(block);
}

MS_FAMILY(void, free_aligned_sized, (void *block, size_t alignment, size_t bytes)) {
    (void)alignment;
    (void)bytes;
    ms_do_free(block);
}

MS_FAMILY(void *, aligned_alloc, (size_t alignment, size_t bytes)) {
    return ms_do_aligned_alloc(alignment, bytes, MS_HERE);
}

MS_FAMILY(void *, memalign, (size_t alignment, size_t bytes)) {
    return ms_do_memalign(alignment, bytes, MS_HERE);
}

MS_FAMILY(int, posix_memalign, (void **out, size_t alignment, size_t bytes)) {
    return ms_do_posix_memalign(out, alignment, bytes, MS_HERE);
}

MS_FAMILY(void *, valloc, (size_t bytes)) {
    return ms_do_valloc(bytes, MS_HERE);
}

MS_FAMILY(void *, pvalloc, (size_t bytes)) {
    return ms_do_pvalloc(bytes, MS_HERE);
}

// ---- finding the real ones ---------------------------------------------------------------------

#define REAL(name) ((__typeof__(&ms_own_##name))ms_real_symbol(#name, (const void *)ms_own_##name))

void ms_real_find_family(struct ms_real *found) {
    found->malloc = REAL(malloc);
    found->calloc = REAL(calloc);
    found->realloc = REAL(realloc);
    found->reallocarray = REAL(reallocarray);
    found->free = REAL(free);
    found->aligned_alloc = REAL(aligned_alloc);
    found->posix_memalign = REAL(posix_memalign);
    found->memalign = REAL(memalign);
    found->valloc = REAL(valloc);
    found->pvalloc = REAL(pvalloc);
    const void *visible = ms_real_visible("malloc");
    found->hidden = visible && visible != (const void *)ms_own_malloc;
}

// ---- one runtime a process ---------------------------------------------------------------------

MS_EXPORT const char __memscope_instance = 1;
extern const char ms_own_instance
    __attribute__((alias("__memscope_instance"), visibility("hidden")));

bool ms_is_the_runtime(void) {
    const void *seen = ms_real_visible("__memscope_instance");
    return !seen || seen == (const void *)&ms_own_instance;
}
