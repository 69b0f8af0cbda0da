// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C++ operator new and delete: the hooks that rewritten calls reach, and the interposed operators
// that all others reach. Where the operators are the C++ library's own they are served straight
// from the allocator, as the library would, new handlers included. Where the program replaced any
// of them its own run, and the malloc inside them counts, once, for the rewritten call's site.

#include "cxx.h"

#include "family.h"
#include "interpose.h"

#include <stdlib.h>
#include <string.h>

// From the C++ library, where there is one.
typedef void new_handler(void);
extern new_handler *ms_get_new_handler(void) __asm__("_ZSt15get_new_handlerv")
    __attribute__((weak));
extern _Noreturn void ms_throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv")
    __attribute__((weak));

enum operator_index {
#define MS_NEW(hook, symbol, arguments, align, throws, ...) AT_##hook,
#define MS_DELETE(hook, symbol, arguments, ...) AT_##hook,
#include "operators.def"
    OPERATOR_COUNT
};

// The operators the program would use without us; filled only where it replaced any.
static void *replaced[OPERATOR_COUNT];
static bool any_replaced;

// ---- the library's operators, as we serve them -------------------------------------------------

struct request {
    size_t size;
    size_t alignment;    // 0 = the usual
    const void *nothrow; // not NULL: a failure is NULL, not an exception
};

MS_HOT void *ask_allocator(struct request request) {
    size_t bytes = request.size ? request.size : 1;
    if (request.alignment == 0)
        return ms_real.malloc(bytes);
    size_t rounded = (ms_padded(bytes) + request.alignment - 1) & -request.alignment;
    return rounded < bytes ? NULL : ms_real.aligned_alloc(request.alignment, rounded);
}

// A nothrow operator turns std::bad_alloc into NULL: only C++ can catch it, so the library's own
// does it. It asks the throwing operator, which is ours again and counts. False: there is none.
static bool ask_library(struct request request, void **block_out) {
    static const char usual[] = "_ZnwmRKSt9nothrow_t";
    static const char aligned[] = "_ZnwmSt11align_val_tRKSt9nothrow_t";
    const char *name = request.alignment ? aligned : usual;
    void *real = ms_real_symbol(name, ms_own_operator(name));
    if (!real)
        return false;
    if (request.alignment)
        *block_out = ((void *(*)(size_t, size_t, const void *))real)(
            request.size, request.alignment, request.nothrow);
    else
        *block_out = ((void *(*)(size_t, const void *))real)(request.size, request.nothrow);
    return true;
}

// The allocator has failed: the new handlers' turn, then std::bad_alloc. Handlers may throw; that
// passes through here and the hook, which have unwind tables and nothing to clean up. The library's
// operator reaches ours again, which counts what it gets.
MS_NOINLINE static void *ask_again(struct request request, struct ms_origin origin) {
    void *block;
    if (request.nothrow && ask_library(request, &block))
        return block;
    do {
        (void)ms_note_allocation_slow(NULL, request.size, origin.site, origin.frame);
        new_handler *handler = ms_get_new_handler ? ms_get_new_handler() : NULL;
        if (!handler && request.nothrow)
            return NULL;
        if (!handler && ms_throw_bad_alloc)
            ms_throw_bad_alloc();
        if (!handler)
            abort(); // operator new without a C++ library in sight: nobody could catch it
        handler();
        block = ask_allocator(request);
    } while (!block);
    return ms_note_allocation_slow(block, request.size, origin.site, origin.frame);
}

MS_HOT void *serve_new(struct request request, struct ms_origin origin) {
    void *block = ask_allocator(request);
    if (MS_UNLIKELY(!block)) {
        block = ask_again(request, origin);
        ms_keep_frame();
        return block;
    }
    return ms_note_allocation(block, request.size, origin);
}

// ---- hooks and interposed operators ------------------------------------------------------------

// A replaced operator may throw, past our leaving the site: it holds for one event only.
#define MS_NEW(hook, symbol, arguments, align, throws, ...)                                        \
    MS_INTERPOSE(void *, symbol, (__VA_ARGS__)) {                                                  \
        if (MS_UNLIKELY(any_replaced && replaced[AT_##hook]))                                      \
            return ((__typeof__(&ms_own_##symbol))replaced[AT_##hook])arguments;                   \
        return serve_new((struct request){size, align, throws}, MS_HERE);                          \
    }                                                                                              \
    MS_EXPORT void *__memscope_##hook(__VA_ARGS__, struct memscope_site *site) {                   \
        if (MS_UNLIKELY(any_replaced && replaced[AT_##hook])) {                                    \
            uint32_t token = ms_pending_enter(ms_origin_of(site), true, ms_caller_stack());        \
            void *block = ((__typeof__(&ms_own_##symbol))replaced[AT_##hook])arguments;            \
            ms_pending_leave(token);                                                               \
            return block;                                                                          \
        }                                                                                          \
        return serve_new((struct request){size, align, throws}, ms_origin_of(site));               \
    }

// The library's sized, aligned and nothrow forms all end in free.
#define MS_DELETE(hook, symbol, arguments, ...)                                                    \
    void ms_own_##symbol(__VA_ARGS__);                                                             \
    static inline void serve_##hook(__VA_ARGS__) {                                                 \
        if (MS_UNLIKELY(any_replaced && replaced[AT_##hook]))                                      \
            ((__typeof__(&ms_own_##symbol))replaced[AT_##hook]) arguments;                         \
        else                                                                                       \
            ms_do_free(ptr);                                                                       \
    }                                                                                              \
    MS_INTERPOSE(void, symbol, (__VA_ARGS__)) {                                                    \
        serve_##hook arguments;                                                                    \
    }                                                                                              \
    MS_EXPORT void __memscope_##hook(__VA_ARGS__) {                                                \
        serve_##hook arguments;                                                                    \
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" // sizes and alignments the allocator needs not
#include "operators.def"
#pragma GCC diagnostic pop

static const struct {
    const char *symbol;
    void *own;
} operators[OPERATOR_COUNT] = {
#define MS_NEW(hook, name, arguments, align, throws, ...) {#name, (void *)ms_own_##name},
#define MS_DELETE(hook, name, arguments, ...) {#name, (void *)ms_own_##name},
#include "operators.def"
};

void *ms_own_operator(const char *symbol) {
    for (unsigned i = 0; i < OPERATOR_COUNT; i++)
        if (strcmp(operators[i].symbol, symbol) == 0)
            return operators[i].own;
    return NULL;
}

// ---- did the program replace any? --------------------------------------------------------------

// A C++ library's own operators, and those an allocator library brings along with its malloc, may
// be short-cut to that malloc; any other's may not.
static bool is_usual(const char *module) {
    const char *name = module ? strrchr(module, '/') : NULL;
    return name && (strncmp(name, "/libstdc++.", 11) == 0 || strncmp(name, "/libc++", 7) == 0 ||
                    strncmp(name, "/libmemscope_rt.", 16) == 0 || // a passive runtime's
                    (!ms_real.hidden && ms_real.module && strcmp(module, ms_real.module) == 0));
}

// In a static program the linker has chosen: the program's own operator or, weak, ours. The C++
// library's are in neither place, so what the standard says of an operator that was not replaced
// (new[] calls new, delete with a size calls delete) is done here.
#ifdef MEMSCOPE_STATIC_RUNTIME
static void aligned_without_size(void *ptr, size_t size, size_t alignment) {
    (void)size;
    ((void (*)(void *, size_t))replaced[AT_delete_aligned])(ptr, alignment);
}

static void *usual_for(unsigned i) {
    bool is_new = i <= AT_new_array_aligned_nothrow;
    bool aligned = strstr(operators[i].symbol, "align_val_t") != NULL;
    if (!is_new && aligned && strstr(operators[i].symbol, "PvmS") != NULL)
        return replaced[AT_delete_aligned] ? (void *)aligned_without_size : NULL;
    if (is_new)
        return replaced[aligned ? AT_new_aligned : AT_new];
    return replaced[aligned ? AT_delete_aligned : AT_delete];
}

static void resolve_static(void) {
    static const struct {
        void *seen, *own;
    } linked[OPERATOR_COUNT] = {
#define MS_NEW(hook, name, arguments, align, throws, ...) {(void *)name, (void *)ms_own_##name},
#define MS_DELETE(hook, name, arguments, ...) {(void *)name, (void *)ms_own_##name},
#include "operators.def"
    };
    for (unsigned i = 0; i < OPERATOR_COUNT; i++)
        if (linked[i].seen != linked[i].own) {
            replaced[i] = linked[i].seen;
            any_replaced = true;
        }
    for (unsigned i = 0; any_replaced && i < OPERATOR_COUNT; i++)
        if (!replaced[i])
            replaced[i] = usual_for(i);
}
#else
static void resolve_static(void) {
}
#endif

void ms_cxx_resolve(void) {
    if (ms_real.is_static) {
        resolve_static();
        return;
    }
    for (unsigned i = 0; i < OPERATOR_COUNT; i++) {
        void *real = ms_real_symbol(operators[i].symbol, operators[i].own);
        void *visible = ms_real_visible(operators[i].symbol);
        replaced[i] = real;
        if (real &&
            ((visible && visible != operators[i].own) || !is_usual(ms_real_module_of(real))))
            any_replaced = true;
    }
}
