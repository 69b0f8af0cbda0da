// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When does a key (key.h) stand for one stack alone? Where each return address in it was found by
// the frame pointer of a function that keeps one, and what lies beyond is what every such stack
// ends with: a thread's entry, or the few functions of libc that call main. One function without a
// frame pointer right above the entry does no harm: the key holds how far the last frame is from
// the stack's end, and nothing but the entry has room there.

#include "walk.h"

#include "context.h"
#include "unwind_fast.h"

#include "store/modules.h"

// How near its high end a stack's outermost frames are: those of starts that no tables describe,
// and what a fiber's maker put there.
enum { OUTERMOST_BYTES = 512, ENTRY_BYTES = 64 };

extern int __libc_start_main(void); // to tell libc's code

enum end { GOES_ON, AT_ENTRY, AT_ROOT, LOST };

struct walker {
    struct ms_walk *walk;
    struct ms_unwind_cache *cache;
    struct ms_starts *starts;
    const struct ms_walk_limits *limits;
    struct ms_unwind_state state;
    struct ms_stack own; // the thread's
    struct ms_stack now; // that state.sp is in
    uint32_t chained;    // of them, those that frame pointers lead to
    bool is_chain;       // all of them
    bool is_resumed;     // the task's own part is over
};

static bool is_in(struct ms_module_range module, uintptr_t return_address) {
    return return_address - 1 >= module.start && return_address - 1 < module.end;
}

static bool holds(struct ms_stack stack, uintptr_t sp) {
    return sp >= stack.low && sp < stack.high;
}

// How many return addresses the key is made of (ms_context_key).
static uint32_t key_length(struct ms_stack stack, const uintptr_t *frame, uint32_t most) {
    uintptr_t below = (uintptr_t)frame, at = frame[0];
    uint32_t length = 1;
    while (length < most && at > below && at < stack.high) {
        below = at;
        at = *(const uintptr_t *)at; // NOLINT(performance-no-int-to-ptr)
        length++;
    }
    return length;
}

static uintptr_t function_start(struct ms_starts *starts, uintptr_t pc) {
    unsigned at = (pc * MS_KEY_FACTOR) >> 58;
    _Static_assert(MS_STARTS == 1 << (64 - 58), "the shift");
    if (starts->slots[at].pc != pc) {
        starts->slots[at].start = ms_unwind_function_start(pc);
        starts->slots[at].pc = pc;
    }
    return starts->slots[at].start;
}

static bool is_at_entry(const struct walker *walker) {
    if (!walker->limits->has_entry || walker->now.high - walker->state.sp > OUTERMOST_BYTES)
        return false;
    uintptr_t function = function_start(walker->starts, walker->state.pc);
    return function != 0 && (function == (uintptr_t)ms_thread_entries[0] ||
                             function == (uintptr_t)ms_thread_entries[1]);
}

static bool ends_task(const struct walker *walker) {
    const uintptr_t *resumed = walker->limits->resumed;
    if (resumed[0] == 0 || walker->is_resumed)
        return false;
    uintptr_t function = function_start(walker->starts, walker->state.pc);
    return function != 0 && (function == resumed[0] || function == resumed[1]);
}

// A return address, as readers look it up: one byte before.
static void note_frame(struct walker *walker) {
    struct ms_walk *walk = walker->walk;
    walk->frames[walk->met++] = walker->state.pc + (walker->state.is_interrupted ? 1 : 0);
    if (walker->is_resumed)
        return;
    walk->count = walk->met;
    walker->is_resumed = ends_task(walker);
}

// A handler may have a stack of its own; what it interrupted is on the thread's, then.
static bool settle(struct walker *walker) {
    if (!holds(walker->now, walker->state.sp))
        walker->now = walker->own;
    return holds(walker->now, walker->state.sp);
}

static bool begin(struct walker *walker) {
    if (holds(walker->now, walker->state.sp))
        return true;
    walker->is_chain = false;
    return ms_sys_signal_stack(&walker->now.low, &walker->now.high) &&
           holds(walker->now, walker->state.sp);
}

// Code that starts a program or a thread: libc's, the loader's, the program's entry. Other code
// without tables was built so, or made at run time, and has callers.
static bool is_start(uintptr_t return_address) {
    struct ms_module_range module;
    uintptr_t loader = ms_sys_loader(), libc = (uintptr_t)__libc_start_main;
    return ms_module_range(return_address - 1, &module) &&
           (is_in(module, libc + 1) || (loader != 0 && is_in(module, loader + 1)) ||
            return_address - ms_sys_program_entry() <= ENTRY_BYTES);
}

// Where no tables tell how to go on.
static bool is_outermost(const struct walker *walker) {
    return walker->now.high - walker->state.sp <= OUTERMOST_BYTES &&
           (walker->limits->is_fiber || is_start(walker->state.pc));
}

static enum end step(struct walker *walker) {
    bool keeps = false;
    uintptr_t sp = walker->state.sp;
    struct ms_stack_bounds bounds = {walker->now.low, walker->now.high - walker->now.low};
    enum ms_unwind_result result =
        walker->state.is_interrupted
            ? ms_unwind_step(walker->cache, &walker->state, bounds, &keeps)
            : ms_unwind_step_fast(walker->cache, &walker->state, bounds, &keeps);
    walker->is_chain &= keeps && result == MS_UNWIND_CALLER;
    walker->chained += walker->is_chain;
    switch (result) {
    case MS_UNWIND_ROOT:
        return AT_ROOT;
    case MS_UNWIND_LOST:
        return is_outermost(walker) ? AT_ROOT : LOST;
    case MS_UNWIND_CALLER:
        if (walker->state.sp <= sp)
            return LOST;
        if (walker->state.sp == walker->own.high) // ld.so's start, which runs constructors
            return AT_ROOT;
        break;
    case MS_UNWIND_SIGNAL:
        break;
    }
    return settle(walker) ? GOES_ON : LOST;
}

// What libc put below the program's functions: _start and what called main, a thread's clone and
// what called its function, ld.so's start and what called a constructor; of a fiber the place its
// function returns to.
static uint32_t root_frames(const struct ms_walk *walk) {
    if (walk->met < 2)
        return 0;
    const uintptr_t *frames = walk->frames;
    uint32_t left = walk->met - 1, libc_most = walk->is_fibers ? 0 : 2;
    struct ms_module_range libc = {0, 0}, outermost;
    (void)ms_module_range((uintptr_t)__libc_start_main, &libc);
    if (is_in(libc, frames[left]) && libc_most != 0)
        left++; // no _start
    else if (walk->is_to_the_end && ms_module_range(frames[left], &outermost))
        libc = outermost; // ld.so
    for (; libc_most > 0 && left > 1 && is_in(libc, frames[left - 1]); libc_most--)
        left--;
    return walk->met - left;
}

void ms_walk_trim(struct ms_walk *walk, uint32_t depth) {
    if (walk->has_root && walk->count == walk->met)
        walk->count -= root_frames(walk);
    if (walk->count > depth) {
        walk->count = depth;
        walk->flags |= MEMSCOPE_CONTEXT_CUT;
    }
}

// Is what lies beyond the first function without a frame pointer the same for all such stacks?
static bool is_root_near(const struct walker *walker, enum end end) {
    uint32_t beyond = walker->walk->met - walker->chained;
    return walker->is_chain || (end == AT_ENTRY && beyond == 0) ||
           (end == AT_ROOT && beyond < MS_ROOT_FRAMES && beyond <= root_frames(walker->walk));
}

static enum end walk_on(struct walker *walker) {
    while (walker->walk->met < walker->limits->depth + MS_ROOT_FRAMES) {
        if (is_at_entry(walker))
            return AT_ENTRY;
        note_frame(walker);
        enum end end = step(walker);
        if (end != GOES_ON)
            return end;
    }
    return GOES_ON;
}

void ms_walk_stack(struct ms_walk *walk, struct ms_unwind_cache *cache, struct ms_starts *starts,
                   struct ms_stack stack, const uintptr_t *frame,
                   const struct ms_walk_limits *limits) {
    struct walker walker = {
        .walk = walk,
        .cache = cache,
        .starts = starts,
        .limits = limits,
        .state = {.pc = frame[1], .sp = (uintptr_t)frame + 2 * sizeof(uintptr_t), .fp = frame[0]},
        .own = stack,
        .now = stack,
        .chained = 1,
        .is_chain = true,
    };
    walk->count = walk->met = 0;
    walk->flags = 0;
    walk->is_chained = walk->has_root = false;
    walk->is_fibers = limits->is_fiber;
    if (!begin(&walker)) {
        note_frame(&walker);
        walk->flags = MEMSCOPE_CONTEXT_FOREIGN_STACK;
        return;
    }
    bool is_own = holds(stack, (uintptr_t)frame);
    enum end end = walk_on(&walker);
    walk->has_root = end == AT_ROOT;
    walk->is_to_the_end = walker.state.sp == stack.high;
    if (end == LOST && !walker.is_resumed)
        walk->flags |= MEMSCOPE_CONTEXT_BROKEN;
    if (end == GOES_ON && !walker.is_resumed)
        walk->flags |= MEMSCOPE_CONTEXT_CUT;
    uint32_t most = ms_key_frames(limits->depth);
    uint32_t length = is_own ? key_length(stack, frame, most) : 0;
    walk->is_chained = is_own && length <= walker.chained &&
                       (walker.chained >= most || is_root_near(&walker, end));
}
