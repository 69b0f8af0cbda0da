// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contract between the pass, which emits these objects and calls, and the runtime, which reads
// and serves them. Only pass/ and runtime/ include this header.

#ifndef MEMSCOPE_ABI_H
#define MEMSCOPE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Instrumented objects refer to MEMSCOPE_ABI_SYMBOL (strongly where the runtime is linked in); the
// runtime defines exactly one of them, so that objects of another version do not link. Where the
// reference is weak, module_load compares memscope_module.abi_version and says what to do.
#define MEMSCOPE_ABI_VERSION 1
#define MEMSCOPE_ABI_SYMBOL __memscope_abi_1_else_rebuild_with_this_memscope

enum memscope_kind {
#define MEMSCOPE_KIND(number, name, text) MEMSCOPE_KIND_##name = (number),
#include "kinds.def"
};

// One function into which the call was inlined, innermost caller first.
struct memscope_inlined_frame {
    const char *function; // demangled
    const char *file;
    uint32_t line;   // the line of the inlined call, 0 = unknown
    uint32_t column; // 0 = unknown
};

// memscope_site.id as the pass emits it. The runtime puts the site's reference in the profile
// there on its first event.
#define MEMSCOPE_SITE_UNREGISTERED 1u

// A static descriptor of one call, in writable data (internal linkage, one per call).
//
//   offset  0  id               runtime-owned, see above
//           4  kind             enum memscope_kind
//           6  inlined_count    entries of `inlined`
//           8  line, column     of the call; 0 = unknown
//          16  function         demangled name of the function whose source holds the call
//          24  file             absolute where the debug info tells; NULL = no debug info
//          32  type_name        NULL = unknown
//          40  var_name         NULL = unknown
//          48  inlined          NULL where inlined_count is 0
struct memscope_site {
    uint32_t id;
    uint16_t kind;
    uint16_t inlined_count;
    uint32_t line;
    uint32_t column;
    const char *function;
    const char *file;
    const char *type_name;
    const char *var_name;
    const struct memscope_inlined_frame *inlined;
};

enum memscope_suspend {
    MEMSCOPE_SUSPEND_AWAIT = 0,
    MEMSCOPE_SUSPEND_INITIAL = 1,
    MEMSCOPE_SUSPEND_FINAL = 2,
    MEMSCOPE_SUSPEND_YIELD = 3,
};

// A static descriptor of one coroutine function, in writable data.
//
//   offset  0  id              runtime-owned: the function's ref in the profile on its first event
//           4  promise_bytes
//           8  line, column    of the function; 0 = unknown
//          16  function        demangled name
//          24  file            absolute where the debug info tells; NULL = no debug info
//          32  promise_type    NULL = unknown (no debug info)
//          40  await_points, yield_points   suspend points in its body, initial and final not
//          counted
struct memscope_coroutine {
    uint32_t id;
    uint32_t promise_bytes;
    uint32_t line;
    uint32_t column;
    const char *function;
    const char *file;
    const char *promise_type;
    uint32_t await_points;
    uint32_t yield_points;
};

#define MEMSCOPE_MODULE_NO_DEBUG_INFO 1u // compiled without -g, and it has sites

// One per instrumented translation unit: the facts by which the runtime knows what is linked in.
struct memscope_module {
    uint32_t abi_version;
    uint32_t flags;           // MEMSCOPE_MODULE_*
    const char *name;         // source file of the translation unit
    uint32_t alloc_sites;     // calls rewritten to allocation hooks (frees not counted)
    uint32_t thread_sites;    // thread-start calls
    uint32_t coroutine_sites; // coroutine functions (coro.id)
    uint32_t fiber_sites;     // makecontext, make_fcontext and their like
};

#define MEMSCOPE_HOOK(name, ret, params, signature) ret __memscope_##name params;
#include "hooks.def"

extern const char MEMSCOPE_ABI_SYMBOL;

#ifdef __cplusplus
}
#endif

#endif
