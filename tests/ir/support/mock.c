// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A runtime that only tells what its hooks were given: one line per event on stdout,
//   <hook> <arguments> @<line> <function> kind=<kind> [<- <inlined function>:<line>]...
// and serves the call with the C library's own functions. It shares no code with the runtime.
// The hooks are plain C and cannot throw: __memscope_new calls the program's own operator new.

#define _GNU_SOURCE
#include <malloc.h>
#include <memscope/abi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef MOCK_WITHOUT_ABI
const char MEMSCOPE_ABI_SYMBOL = 1;
#endif

static uint32_t depth;

static void tell_site(const struct memscope_site *site) {
    printf(" @%u %s kind=%u", site->line, site->function, site->kind);
    for (unsigned i = 0; i < site->inlined_count; i++)
        printf(" <- %s:%u", site->inlined[i].function, site->inlined[i].line);
    if (site->id != MEMSCOPE_SITE_UNREGISTERED ||
        (site->line && (!site->file || site->file[0] != '/')) ||
        (site->inlined_count == 0) != (site->inlined == NULL))
        printf(" BAD SITE");
    if (site->type_name || site->var_name)
        printf(" type=%s variable=%s", site->type_name ? site->type_name : "?",
               site->var_name ? site->var_name : "?");
    printf("\n");
    fflush(stdout);
}

static void tell_free(const char *hook, const void *ptr, size_t a, size_t b) {
    printf("%s %s %zu %zu\n", hook, ptr ? "ptr" : "null", a, b);
    fflush(stdout);
}

#define TELL(...) (printf(__VA_ARGS__), tell_site(site))
#define SITE struct memscope_site *site

void *__memscope_malloc(size_t n, SITE) {
    return TELL("malloc %zu", n), malloc(n);
}
void *__memscope_calloc(size_t c, size_t n, SITE) {
    return TELL("calloc %zu %zu", c, n), calloc(c, n);
}
void *__memscope_realloc(void *p, size_t n, SITE) {
    return TELL("realloc %s %zu", p ? "ptr" : "null", n), realloc(p, n);
}
void *__memscope_reallocarray(void *p, size_t c, size_t n, SITE) {
    return TELL("reallocarray %s %zu %zu", p ? "ptr" : "null", c, n), reallocarray(p, c, n);
}
void *__memscope_aligned_alloc(size_t a, size_t n, SITE) {
    return TELL("aligned_alloc %zu %zu", a, n), aligned_alloc(a, n);
}
int __memscope_posix_memalign(void **out, size_t a, size_t n, SITE) {
    return TELL("posix_memalign %zu %zu", a, n), posix_memalign(out, a, n);
}
void *__memscope_memalign(size_t a, size_t n, SITE) {
    return TELL("memalign %zu %zu", a, n), memalign(a, n);
}
void *__memscope_valloc(size_t n, SITE) {
    return TELL("valloc %zu", n), valloc(n);
}
void *__memscope_pvalloc(size_t n, SITE) {
    return TELL("pvalloc %zu", n), pvalloc(n);
}
void __memscope_free(void *p) {
    tell_free("free", p, 0, 0), free(p);
}
void __memscope_free_sized(void *p, size_t n) {
    tell_free("free_sized", p, n, 0), free(p);
}
void __memscope_free_aligned_sized(void *p, size_t a, size_t n) {
    tell_free("free_aligned_sized", p, a, n), free(p);
}

// The program's own operators, where the program is C++.
extern void *_Znwm(size_t) __attribute__((weak));

#define NEW(name, params, served, ...)                                                             \
    void *__memscope_##name params {                                                               \
        return TELL(#name " " __VA_ARGS__), served;                                                \
    }
NEW(new, (size_t n, SITE), _Znwm(n), "%zu", n)
NEW(new_nothrow, (size_t n, const void *t, SITE), malloc(n), "%zu %d", n, !!t)
NEW(new_aligned, (size_t n, size_t a, SITE), aligned_alloc(a, n), "%zu %zu", n, a)
NEW(new_aligned_nothrow, (size_t n, size_t a, const void *t, SITE), aligned_alloc(a, n),
    "%zu %zu %d", n, a, !!t)
NEW(new_array, (size_t n, SITE), _Znwm(n), "%zu", n)
NEW(new_array_nothrow, (size_t n, const void *t, SITE), malloc(n), "%zu %d", n, !!t)
NEW(new_array_aligned, (size_t n, size_t a, SITE), aligned_alloc(a, n), "%zu %zu", n, a)
NEW(new_array_aligned_nothrow, (size_t n, size_t a, const void *t, SITE), aligned_alloc(a, n),
    "%zu %zu %d", n, a, !!t)

#define DELETE(name, params, a, b)                                                                 \
    void __memscope_##name params {                                                                \
        tell_free(#name, p, a, b), free(p);                                                        \
    }
DELETE(delete, (void *p), 0, 0)
DELETE(delete_sized, (void *p, size_t n), n, 0)
DELETE(delete_aligned, (void *p, size_t a), a, 0)
DELETE(delete_sized_aligned, (void *p, size_t n, size_t a), n, a)
DELETE(delete_nothrow, (void *p, const void *t), !!t, 0)
DELETE(delete_aligned_nothrow, (void *p, size_t a, const void *t), a, !!t)
DELETE(delete_array, (void *p), 0, 0)
DELETE(delete_array_sized, (void *p, size_t n), n, 0)
DELETE(delete_array_aligned, (void *p, size_t a), a, 0)
DELETE(delete_array_sized_aligned, (void *p, size_t n, size_t a), n, a)
DELETE(delete_array_nothrow, (void *p, const void *t), !!t, 0)
DELETE(delete_array_aligned_nothrow, (void *p, size_t a, const void *t), a, !!t)

int __memscope_pthread_create(void *thread, const void *attr, void *(*start)(void *), void *arg,
                              SITE) {
    return TELL("pthread_create"), pthread_create(thread, attr, start, arg);
}
int __memscope_thrd_create(void *thread, int (*start)(void *), void *arg, SITE) {
    // thrd_t is pthread_t in glibc; the mock's threads return nothing.
    return TELL("thrd_create"), pthread_create(thread, NULL, (void *(*)(void *))(void *)start, arg);
}
uint32_t __memscope_enter_site(SITE) {
    return TELL("enter %u", depth), ++depth;
}
void __memscope_leave_site(uint32_t token) {
    printf("leave %u%s\n", depth - 1, token == depth ? "" : " BAD TOKEN");
    fflush(stdout);
    depth--;
}
void __memscope_next_site(SITE) {
    TELL("next");
}
int __memscope_swapcontext(void *from, const void *to, const void *callee) {
    printf("swapcontext\n"), fflush(stdout);
    return ((int (*)(void *, const void *))callee)(from, to);
}
int __memscope_setcontext(const void *to, const void *callee) {
    printf("setcontext\n"), fflush(stdout);
    return ((int (*)(const void *))callee)(to);
}
void *__memscope_make_fcontext(void *top, size_t n, void (*enter)(struct memscope_transfer),
                               const void *callee) {
    printf("make_fcontext %zu\n", n), fflush(stdout);
    return ((void *(*)(void *, size_t, void (*)(struct memscope_transfer)))callee)(top, n, enter);
}
struct memscope_transfer __memscope_jump_fcontext(void *to, void *data, const void *callee) {
    printf("jump_fcontext\n"), fflush(stdout);
    return ((struct memscope_transfer(*)(void *, void *))callee)(to, data);
}
struct memscope_transfer
__memscope_ontop_fcontext(void *to, void *data,
                          struct memscope_transfer (*on_top)(struct memscope_transfer),
                          const void *callee) {
    printf("ontop_fcontext\n"), fflush(stdout);
    return ((struct memscope_transfer(*)(
        void *, void *, struct memscope_transfer (*)(struct memscope_transfer)))callee)(to, data,
                                                                                        on_top);
}
void __memscope_making_context(void *context) {
    printf("making_context%s\n", context ? "" : " of nothing");
    fflush(stdout);
}
void __memscope_landed(void) {
    printf("landed\n");
    fflush(stdout);
}
void __memscope_module_load(struct memscope_module *m) {
    printf("load abi=%u flags=%u alloc=%u thread=%u coroutine=%u fiber=%u\n", m->abi_version,
           m->flags, m->alloc_sites, m->thread_sites, m->coroutine_sites, m->fiber_sites);
    fflush(stdout);
}
void __memscope_module_unload(struct memscope_module *m) {
    printf("unload abi=%u\n", m->abi_version);
    fflush(stdout);
}
