// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ms_unwind_step where the cache knows the pc, to be inlined into a loop over a stack. Nearly all
// code has a row of one shape, which fits into a rule's 64 bits:
//
//   63        41 40        25 24       9        3             2           1           0
//   [ CFA offset | FP below  | RA below | … | FP is saved | CFA by FP | IS_FRAME | keeps FP ]
//     bytes        CFA, words  CFA, words
//
// What is no such frame has one of enum ms_packed_kind in place of that.

#ifndef MS_UNWIND_FAST_H
#define MS_UNWIND_FAST_H

#include "unwind.h"

#include "base/shared.h"

#include <string.h>

enum {
    MS_PACKED_KEEPS_FP = 1 << 0,
    MS_PACKED_IS_FRAME = 1 << 1,
    MS_PACKED_CFA_BY_FP = 1 << 2,
    MS_PACKED_FP_IS_SAVED = 1 << 3,
    MS_PACKED_RA_SHIFT = 9,
    MS_PACKED_FP_SHIFT = 25,
    MS_PACKED_CFA_SHIFT = 41,
    MS_PACKED_WORDS_MOST = 0xffff,
    MS_PACKED_CFA_MOST = (1 << (64 - MS_PACKED_CFA_SHIFT)) - 1,
    MS_WORD_BYTES = sizeof(uintptr_t),
};

enum ms_packed_kind {
    MS_PACKED_LOST = 0,
    MS_PACKED_ROOT = 1 << 2,
    MS_PACKED_INTERPRETED = 1 << 3, // its row is read from the tables each time
};

// Slots are of return addresses. A slot holds pc ^ rule beside the rule: where a signal handler's
// step came between two loads or stores, they do not fit any more.
MS_HOT struct ms_unwind_rule *ms_unwind_slot(struct ms_unwind_cache *cache, uintptr_t pc) {
    // One instruction on every CPU, whose result's middle bits spread neighbouring pcs.
    return &cache->rules[pc * 0x61c88647 >> 32 & (MS_UNWIND_RULES - 1)];
}

MS_HOT uintptr_t ms_packed_bytes(uint64_t rule, unsigned shift) {
    return (rule >> shift & MS_PACKED_WORDS_MOST) * MS_WORD_BYTES;
}

MS_HOT uintptr_t ms_word_at(uintptr_t at) {
    uintptr_t word;
    memcpy(&word, (const void *)at, sizeof word);
    return word;
}

// The step that a rule with IS_FRAME tells.
MS_HOT enum ms_unwind_result ms_packed_step(uint64_t rule, struct ms_unwind_state *state,
                                            struct ms_stack_bounds bounds) {
    uintptr_t sp = state->sp, fp = state->fp;
    uintptr_t cfa = (rule & MS_PACKED_CFA_BY_FP ? fp : sp) + (rule >> MS_PACKED_CFA_SHIFT);
    uintptr_t room = cfa - bounds.low;
    // Nothing that is read lies deeper: see pack.
    uintptr_t deepest = ms_packed_bytes(rule, MS_PACKED_FP_SHIFT);
    if (MS_UNLIKELY(cfa <= sp)) // each caller's frame is above, so that stacks end
        return MS_UNWIND_LOST;
    if (MS_UNLIKELY(room > bounds.bytes))
        return MS_UNWIND_LOST;
    if (MS_UNLIKELY(room < deepest))
        return MS_UNWIND_LOST;
    uintptr_t ra_below =
        MS_RA_BELOW_CFA != 0 ? MS_RA_BELOW_CFA : ms_packed_bytes(rule, MS_PACKED_RA_SHIFT);
    uintptr_t pc = ms_word_at(cfa - ra_below);
    if (rule & MS_PACKED_FP_IS_SAVED)
        fp = ms_word_at(cfa - deepest);
    if (MS_UNLIKELY(pc == 0))
        return MS_UNWIND_ROOT;
    state->pc = ms_code_address(pc);
    state->sp = cfa;
    state->fp = fp;
    return MS_UNWIND_CALLER;
}

// ms_unwind_step with a cache, of a state that is not interrupted.
MS_HOT enum ms_unwind_result ms_unwind_step_fast(struct ms_unwind_cache *cache,
                                                 struct ms_unwind_state *state,
                                                 struct ms_stack_bounds bounds,
                                                 bool *keeps_frame_pointer_out) {
    const struct ms_unwind_rule *slot = ms_unwind_slot(cache, state->pc);
    uint64_t rule = ms_load(&slot->rule);
    if (MS_LIKELY((ms_load(&slot->pc_xor_rule) ^ rule) == state->pc) &&
        MS_LIKELY(rule & MS_PACKED_IS_FRAME)) {
        *keeps_frame_pointer_out = rule & MS_PACKED_KEEPS_FP;
        return ms_packed_step(rule, state, bounds);
    }
    // Copies, so that a loop's own state can stay in registers.
    struct ms_unwind_state slow = *state;
    bool keeps;
    enum ms_unwind_result result = ms_unwind_step(cache, &slow, bounds, &keeps);
    *keeps_frame_pointer_out = keeps;
    *state = slow;
    return result;
}

#endif
