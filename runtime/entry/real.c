// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "real.h"

#include "collect/kept_blocks.h"
#include "collect/shadow.h"
#include "interpose.h"
#include "start.h"
#include "store/modules.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

// Absent in a static program, where the linker has chosen already.
extern void *dlsym(void *, const char *) __attribute__((weak));

// ---- before the real functions are known -------------------------------------------------------

static char early_memory[64 << 10] MS_ALIGNED(16);
static size_t early_used;

static void *early_block(size_t alignment, size_t bytes) {
    size_t at = ms_load(&early_used), start;
    if (alignment < 16)
        alignment = 16;
    do {
        start = (at + 16 + alignment - 1) & ~(alignment - 1);
        if (bytes > sizeof early_memory || start > sizeof early_memory - bytes) {
            errno = ENOMEM;
            return NULL;
        }
    } while (!ms_swap_if(&early_used, &at, start + bytes));
    memcpy(early_memory + start - sizeof bytes, &bytes, sizeof bytes);
    return early_memory + start;
}

bool ms_real_is_early(const void *block) {
    return (uintptr_t)block - (uintptr_t)early_memory < sizeof early_memory;
}

void *ms_early_move(void *block, const void *early, size_t bytes) {
    size_t old;
    memcpy(&old, (const char *)early - sizeof old, sizeof old);
    return memcpy(block, early, old < bytes ? old : bytes);
}

static void *early_malloc(size_t bytes) {
    ms_start();
    return ms_next.malloc == early_malloc ? early_block(16, bytes) : ms_next.malloc(bytes);
}

static void *early_calloc(size_t count, size_t bytes) {
    ms_start();
    if (ms_next.calloc != early_calloc)
        return ms_next.calloc(count, bytes);
    return count && bytes > SIZE_MAX / count ? NULL : early_block(16, count * bytes);
}

static void *early_realloc(void *block, size_t bytes) {
    ms_start();
    if (ms_next.realloc != early_realloc && !ms_real_is_early(block))
        return ms_next.realloc(block, bytes);
    void *moved = ms_next.malloc == early_malloc ? early_block(16, bytes) : ms_next.malloc(bytes);
    return moved && block ? ms_early_move(moved, block, bytes) : moved;
}

static void early_free(void *block) {
    ms_start();
    if (ms_next.free != early_free && !ms_real_is_early(block))
        ms_next.free(block);
}

static void *early_aligned_alloc(size_t alignment, size_t bytes) {
    ms_start();
    return ms_next.aligned_alloc == early_aligned_alloc ? early_block(alignment, bytes)
                                                        : ms_next.aligned_alloc(alignment, bytes);
}

static int early_posix_memalign(void **out, size_t alignment, size_t bytes) {
    ms_start();
    if (ms_next.posix_memalign != early_posix_memalign)
        return ms_next.posix_memalign(out, alignment, bytes);
    *out = early_block(alignment, bytes);
    return *out ? 0 : ENOMEM;
}

#define EARLY                                                                                      \
    {                                                                                              \
        .malloc = early_malloc,                                                                    \
        .calloc = early_calloc,                                                                    \
        .realloc = early_realloc,                                                                  \
        .free = early_free,                                                                        \
        .aligned_alloc = early_aligned_alloc,                                                      \
        .memalign = early_aligned_alloc,                                                           \
        .posix_memalign = early_posix_memalign,                                                    \
    }
struct ms_real ms_real = EARLY, ms_next = EARLY;

// ---- finding them ------------------------------------------------------------------------------

// A program without an interpreter has no dynamic linker.
static bool program_is_static(void) {
    const ElfW(Phdr) *segment = (const void *)getauxval(AT_PHDR);
    for (unsigned long left = getauxval(AT_PHNUM); segment && left > 0; left--, segment++)
        if (segment->p_type == PT_INTERP)
            return false;
    return segment != NULL;
}

// In a program linked at a fixed address that takes a function's address, that address is a stub of
// the program's own, and dlsym returns it: a symbol that is not defined there, yet has a value.
static bool is_stub(const void *address) {
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    return dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0 && symbol &&
           symbol->st_shndx == SHN_UNDEF;
}

void *ms_real_visible(const char *name) {
    void *visible = dlsym && !program_is_static() ? dlsym(RTLD_DEFAULT, name) : NULL;
    return visible && is_stub(visible) ? NULL : visible;
}

static bool only_next; // the visible definition is another runtime's, which calls ours

void *ms_real_symbol(const char *name, const void *own) {
    if (!dlsym || program_is_static())
        return NULL;
    void *visible = only_next ? NULL : ms_real_visible(name);
    return visible && visible != own ? visible : dlsym(RTLD_NEXT, name);
}

const char *ms_real_module_of(const void *address) {
    static struct ms_module_facts facts;
    return address && ms_module_find(address, &facts) ? facts.path : NULL;
}

// glibc's own blocks start 32 bytes apart at least; of others nothing is known.
static bool is_glibc(const char *module) {
    const char *name = module ? strrchr(module, '/') : NULL;
    return name && strncmp(name, "/libc.so.", 9) == 0;
}

static void *c11_aligned_alloc(size_t alignment, size_t bytes) {
    void *block = NULL;
    int error = ms_real.posix_memalign(&block, alignment < 8 ? 8 : alignment, bytes);
    if (error != 0)
        errno = error;
    return error == 0 ? block : NULL;
}

// Somebody's malloc that hides ours, and is neither the program's own nor libc's (we were loaded
// late), stands before us in LD_PRELOAD. It calls the next one, which is ours, and must not be
// called in turn: only hooks go to it.
static bool in_executable(const char *module) {
    return !module || strcmp(module, ms_module_executable()) == 0;
}

static const char *library_in_front(const void *visible) {
    if (in_executable(ms_real_module_of((const void *)library_in_front)))
        return NULL; // linked in, we come first
    const char *module = ms_real_module_of(visible);
    return in_executable(module) || is_glibc(module) ? NULL : module;
}

static void resolve_dynamic(void) {
    struct ms_real found = {.malloc = NULL};
    ms_real_find_family(&found);
    const char *in_front = MS_INTERPOSES && found.hidden && !only_next
                               ? library_in_front(ms_real_visible("malloc"))
                               : NULL;
    struct ms_real next = found;
    if (in_front) {
        only_next = true;
        ms_real_find_family(&next);
        only_next = false;
        found.in_front = in_front;
    }
    found.module = ms_real_module_of((void *)found.malloc);
    found.least_bytes = is_glibc(found.module) ? 0 : 1u << MS_GRANULE_BITS;
    ms_real = found;
    ms_next = next;
}

#ifdef MEMSCOPE_STATIC_PROGRAM
// The linker has chosen between libc's and the program's own. Only malloc pulls libc's in: a
// program that defines malloc and free alone must not get a second malloc with libc's memalign.
extern void *calloc(size_t, size_t) __attribute__((weak));
extern void *realloc(void *, size_t) __attribute__((weak));
extern void free(void *) __attribute__((weak));
extern void *aligned_alloc(size_t, size_t) __attribute__((weak));
extern int posix_memalign(void **, size_t, size_t) __attribute__((weak));
extern void *memalign(size_t, size_t) __attribute__((weak));
extern void *__libc_malloc(size_t) __attribute__((weak));

static void resolve_static(void) {
    bool of_libc = malloc == __libc_malloc;
    ms_real = (struct ms_real){
        .malloc = malloc,
        .calloc = calloc,
        .realloc = realloc,
        .free = free,
        .aligned_alloc = aligned_alloc,
        .posix_memalign = posix_memalign,
        .memalign = memalign,
        .least_bytes = of_libc ? 0 : 1u << MS_GRANULE_BITS,
        .hidden = !of_libc,
        .is_static = true,
    };
}
#else
// A static program linked with the runtime of dynamic ones: libc's own definitions of some of these
// are weak, as ours are, and the linker may have taken ours. The names that are libc's alone are
// the way past them.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t) __attribute__((weak));
extern void *__libc_realloc(void *, size_t) __attribute__((weak));
extern void __libc_free(void *) __attribute__((weak));
extern void *__libc_memalign(size_t, size_t) __attribute__((weak));

static int static_posix_memalign(void **out, size_t alignment, size_t bytes) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    void *block = __libc_memalign(alignment, bytes);
    if (!block)
        return ENOMEM;
    *out = block;
    return 0;
}

static void resolve_static(void) {
    ms_real = (struct ms_real){
        .malloc = __libc_malloc,
        .calloc = __libc_calloc,
        .realloc = __libc_realloc,
        .free = __libc_free,
        .aligned_alloc = __libc_memalign,
        .posix_memalign = static_posix_memalign,
        .memalign = __libc_memalign,
        .is_static = true,
    };
}
#endif

// malloc is the one function whose every instruction counts: only allocators that need padding pay.
static void *(*unpadded_malloc)(size_t);

static void *padded_malloc(size_t bytes) {
    return unpadded_malloc(bytes < ms_real.least_bytes ? ms_real.least_bytes : bytes);
}

void *ms_real_realloc_to_nothing(const struct ms_real *table, void *block) {
    void *moved = table->realloc(block, 0);
    if (!moved || table->least_bytes == 0)
        return moved;
    void *padded = table->realloc(moved, table->least_bytes);
    if (!padded)
        table->free(moved);
    return padded;
}

static void complete(struct ms_real *table) {
    if (table->least_bytes != 0) {
        unpadded_malloc = table->malloc;
        table->malloc = padded_malloc;
    }
    if (!table->aligned_alloc)
        table->aligned_alloc = c11_aligned_alloc;
    if (!table->memalign)
        table->memalign = table->aligned_alloc;
}

static void *(*unwatched_realloc)(void *, size_t);

static void *watched_realloc(void *block, size_t bytes) {
    return ms_kept_realloc(unwatched_realloc, block, bytes);
}

void ms_real_watch_realloc(void) {
    unwatched_realloc = ms_real.realloc;
    if (unwatched_realloc)
        ms_real.realloc = ms_next.realloc = watched_realloc;
}

void ms_real_resolve(bool passive) {
    only_next = passive;
    if (dlsym && !program_is_static())
        resolve_dynamic();
    else
        resolve_static();
    complete(&ms_real);
    if (!ms_real.in_front) // else nothing is counted, and nothing needs padding
        ms_next = ms_real;
    else if (!ms_next.memalign)
        ms_next.memalign = ms_next.aligned_alloc;
}
