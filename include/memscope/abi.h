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
#define MEMSCOPE_ABI_VERSION 5
#define MEMSCOPE_ABI_SYMBOL __memscope_abi_5_else_rebuild_with_this_memscope

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
//          56  type_bytes       of one object of that type, or its node of a container; 0 = unknown
//          60  wrapper_frames   how many frames from the call outwards (itself, then
//                               `inlined`) are of functions that only pass allocations on
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
    uint32_t type_bytes;
    uint32_t wrapper_frames;
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

// What Boost.Context's switches return (its transfer_t): who switched here, what was sent along.
struct memscope_transfer {
    void *context;
    void *data;
};

// Coroutine hooks in line. Where the runtime is linked into the executable, the pass writes out the
// usual way of coro_resume, coro_suspend and coro_pop, and calls the hook where a test fails. These
// are the symbols (hidden: of the same executable) and offsets it does that with.
//
//   thread (MEMSCOPE_INLINE_THREAD, in the static thread block)
//      56  top: the address of the topmost entry of its shadow stack; never NULL
//   entry, 16 bytes
//       0  the address of the task that runs, its mark (MEMSCOPE_INLINE_MARK_*) in the low bits;
//          above the top 0
//       8  what word a task has that may be pushed here the usual way: suspended, and last run by
//          this thread. No task's where the hook has to be called: the stack ends here, the thread
//          has run no task. 0 = a fork child's inheritance, which the kernel has wiped.
//   task, aligned to 64 bytes
//       8  its word: the state (MEMSCOPE_INLINE_STATE_*) in the low half, in the high half the ref
//          of the thread that runs it, or ran it last
//      80  how often it was resumed
//   MEMSCOPE_INLINE_NOT_STARTED   not zero: a suspension must be told to the hook (find_awaited),
//                                 unless its awaiter has no room for a pointer
//
// On x86-64 each of the three hooks has a second name, MEMSCOPE_INLINE_KEPT behind the first, where
// it is called as preserve_most: so the usual way has no registers to save.
#define MEMSCOPE_INLINE_THREAD "__memscope_thread"
#define MEMSCOPE_INLINE_NOT_STARTED "__memscope_not_started"
#define MEMSCOPE_INLINE_KEPT "_kept"
enum {
    MEMSCOPE_INLINE_THREAD_TOP = 56,
    MEMSCOPE_INLINE_ENTRY_BYTES = 16,
    MEMSCOPE_INLINE_ENTRY_EXPECTED = 8,
    MEMSCOPE_INLINE_MARK_RUNNING = 0,
    MEMSCOPE_INLINE_MARK_LEAVING = 1,
    MEMSCOPE_INLINE_TASK_WORD = 8,
    MEMSCOPE_INLINE_TASK_RESUMES = 80,
    MEMSCOPE_INLINE_STATE_RUNNING = 2,
    MEMSCOPE_INLINE_STATE_SUSPENDED = 3,
};

// Or-ed to the kind of a suspension: its coro_pop follows at once, and the hook does that, too.
#define MEMSCOPE_SUSPEND_AND_POP 4u
// Or-ed as well, shifted: its line in the coroutine's file; 0 = unknown, or in another file.
#define MEMSCOPE_SUSPEND_LINE_SHIFT 3
#define MEMSCOPE_SUSPEND_LINE_MOST (UINT32_MAX >> MEMSCOPE_SUSPEND_LINE_SHIFT)

static inline enum memscope_suspend memscope_suspend_kind(uint32_t kind) {
    return (enum memscope_suspend)(kind & (MEMSCOPE_SUSPEND_AND_POP - 1));
}
#define MEMSCOPE_HOOK(name, ret, params, signature) ret __memscope_##name params;
#include "hooks.def"

extern const char MEMSCOPE_ABI_SYMBOL;

#ifdef __cplusplus
}
#endif

#endif
