// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The key of a context: a hash of the site and the return addresses that the chain of frame
// pointers leads to, about seven instructions a frame. It stands for one stack only where every
// function on the way keeps its frame pointer; whether that is so, context.c finds out at a key's
// first sight, and remembers only such keys.
//
// Multiplicative (Dietzfelbinger et al., 1997): each step is a bijection of what came before, and
// two chains that differ meet with a probability of about 2^-64.

#ifndef MS_CONTEXT_KEY_H
#define MS_CONTEXT_KEY_H

#include "base/shared.h"
#include "collect/tls.h"

// The frame record of the calling function, one of ours that stays until it is read: the frame
// pointer and the return address of whoever called it.
#define ms_frame_here() ((const uintptr_t *)__builtin_frame_address(0))

// After a call: makes it none that is a jump, so that the caller's frame is there while it runs.
#define ms_keep_frame() __asm__ volatile("")

// Frames are hashed two at a time, so that a key is of one frame more than the depth where that is
// even.
static inline uint32_t ms_key_pairs(uint32_t depth) {
    return depth > 1 ? depth / 2 : depth;
}
static inline uint32_t ms_key_frames(uint32_t depth) {
    return 1 + 2 * ms_key_pairs(depth);
}

MS_HOT uint64_t ms_context_seed(const void *site) {
    return (uint64_t)(uintptr_t)site * MS_KEY_FACTOR;
}

// The same code run by another task, with other awaiters, is another context.
MS_HOT uint64_t ms_context_seed_of_task(uint64_t seed, uint32_t awaiter_ref) {
    return seed ^ ((uint64_t)awaiter_ref * MS_KEY_FACTOR >> 1);
}

MS_HOT uint64_t ms_context_mix(uint64_t key, uint64_t word) {
    return (key ^ word) * MS_KEY_FACTOR;
}

#define MS_FRAME(address) ((const uintptr_t *)(address)) // NOLINT(performance-no-int-to-ptr)

// Stacks are short: what comes after the loop is to follow it in memory.
#define MS_STACK_ENDS(x) __builtin_expect_with_probability(!!(x), 1, 0.6)

// `frame` is of ms_frame_here, `pairs` at least 1. Where the stack ends, how far that is from the
// last frame counts, too (walk.c says why).
MS_HOT uint64_t ms_context_key_in(struct ms_stack stack, uint64_t seed, const uintptr_t *frame,
                                  uint64_t pairs) {
    uintptr_t high = stack.high, below = (uintptr_t)frame, at = frame[0];
    uint64_t factor = MS_KEY_FACTOR;
    __asm__("" : "+r"(factor)); // one that is made only once
    uint64_t key = (seed ^ frame[1]) * factor;
    if (MS_UNLIKELY(below < stack.low))
        return key;
    for (;;) {
        if (MS_STACK_ENDS(at <= below || at >= high))
            return key ^ (high - below);
        key = (key ^ MS_FRAME(at)[1]) * factor;
        below = MS_FRAME(at)[0];
        if (MS_STACK_ENDS(below <= at || below >= high))
            return key ^ (high - at);
        key = (key ^ MS_FRAME(below)[1]) * factor;
        at = MS_FRAME(below)[0];
        if (MS_UNLIKELY(--pairs == 0))
            return key;
    }
}

MS_HOT uint64_t ms_context_key(const struct ms_tls *tls, uint64_t seed, const uintptr_t *frame,
                               uint32_t pairs) {
    return ms_context_key_in(*ms_stack_of(tls), seed, frame, pairs);
}

// What the fast path looks for. Without contexts (depth=0), and where every event is to take the
// slow path (verify=1), no frames are hashed but the caller's return address.
MS_HOT uint64_t ms_fast_key(const struct ms_tls *tls, uint64_t seed, const uintptr_t *frame) {
    const struct ms_table_head *head = ms_head_of(tls);
    const struct ms_stack stack = {.low = head->key_low, .high = head->stack.high};
    return ms_context_key_in(stack, seed, frame, head->key_pairs);
}

#endif
