// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps, by the cache where it knows the pc. Nearly all code has a row of one shape, which fits
// into 64 bits:
//
//   63        41 40        25 24        9  5        4           3           2          1    0
//   [ CFA offset | FP below  | RA below  | … | keeps FP | FP is saved | CFA by FP | kind    ]
//     bytes        CFA, words  CFA, words
//
// The rest is a kind of its own: read from the tables each time.

#include "unwind.h"

#include "base/shared.h"
#include "unwind_tables.h"

#include <string.h>

enum rule_kind {
    KIND_LOST,
    KIND_FRAME,
    KIND_ROOT,
    KIND_INTERPRETED,
    KIND_MASK = 3,
};

enum {
    CFA_BY_FP = 1 << 2,
    FP_IS_SAVED = 1 << 3,
    KEEPS_FP = 1 << 4,
    RA_SHIFT = 9,
    FP_SHIFT = 25,
    CFA_SHIFT = 41,
    WORD = sizeof(uintptr_t),
    WORDS_MASK = 0xffff,
    CFA_MOST = 1 << (64 - CFA_SHIFT),
};

MS_HOT uintptr_t below(uint64_t rule, unsigned shift) {
    return (rule >> shift & WORDS_MASK) * WORD;
}

// `last` = where the last word of the stack begins, from its low end on.
MS_HOT bool read_word(uintptr_t at, uintptr_t low, uintptr_t last, uintptr_t *word_out) {
    if (MS_UNLIKELY(at - low > last))
        return false;
    memcpy(word_out, (const void *)at, sizeof *word_out);
    return true;
}

MS_HOT enum ms_unwind_result step_frame(uint64_t rule, struct ms_unwind_state *state,
                                        struct ms_stack_bounds bounds) {
    uintptr_t cfa = (rule & CFA_BY_FP ? state->fp : state->sp) + (rule >> CFA_SHIFT);
    uintptr_t last = bounds.bytes - WORD, pc, fp = state->fp;
    // Stacks end: each caller's frame is above.
    if (MS_UNLIKELY(bounds.bytes < WORD || cfa <= state->sp) ||
        !read_word(cfa - below(rule, RA_SHIFT), bounds.low, last, &pc))
        return MS_UNWIND_LOST;
    if (rule & FP_IS_SAVED && !read_word(cfa - below(rule, FP_SHIFT), bounds.low, last, &fp))
        return MS_UNWIND_LOST;
    if (MS_UNLIKELY(pc == 0))
        return MS_UNWIND_ROOT;
    state->pc = ms_code_address(pc);
    state->sp = cfa;
    state->fp = fp;
    state->is_interrupted = false;
    return MS_UNWIND_CALLER;
}

// ---- from the tables ---------------------------------------------------------------------------

// What a rule makes of a register, whose value is `value_out`'s now.
static bool apply(const struct ms_rule *rule, uintptr_t cfa, const struct ms_unwind_state *state,
                  struct ms_stack_bounds bounds, uintptr_t *value_out) {
    uintptr_t place;
    switch (rule->kind) {
    case MS_RULE_SAME:
        return true;
    case MS_RULE_UNDEFINED: // no frame is found by this
        *value_out = 0;
        return true;
    case MS_RULE_OFFSET:
        return ms_stack_word(cfa + (uintptr_t)rule->value, bounds, value_out);
    case MS_RULE_VALUE:
        *value_out = cfa + (uintptr_t)rule->value;
        return true;
    case MS_RULE_REGISTER:
        return ms_register_value(rule->number, state, value_out);
    case MS_RULE_EXPRESSION:
        return ms_expression_value(rule, &cfa, state, bounds, &place) &&
               ms_stack_word(place, bounds, value_out);
    case MS_RULE_VALUE_EXPRESSION:
        return ms_expression_value(rule, &cfa, state, bounds, value_out);
    }
    return false;
}

static enum ms_unwind_result step_row(const struct ms_unwind_row *row, bool is_signal_frame,
                                      struct ms_unwind_state *state,
                                      struct ms_stack_bounds bounds) {
    uintptr_t cfa;
    if (row->cfa.kind == MS_RULE_REGISTER) {
        if (!ms_register_value(row->cfa.number, state, &cfa))
            return MS_UNWIND_LOST;
        cfa += (uintptr_t)row->cfa.value;
    } else if (!ms_expression_value(&row->cfa, NULL, state, bounds, &cfa)) {
        return MS_UNWIND_LOST;
    }
    struct ms_unwind_state caller = {.fp = state->fp, .sp = cfa, .is_interrupted = is_signal_frame};
    if (!apply(&row->rules[MS_FOLLOWED_RA], cfa, state, bounds, &caller.pc) ||
        !apply(&row->rules[MS_FOLLOWED_FP], cfa, state, bounds, &caller.fp) ||
        !apply(&row->rules[MS_FOLLOWED_SP], cfa, state, bounds, &caller.sp))
        return MS_UNWIND_LOST;
    if (!is_signal_frame && caller.sp <= state->sp)
        return MS_UNWIND_LOST;
    if (!is_signal_frame && caller.pc == 0)
        return MS_UNWIND_ROOT;
    caller.pc = ms_code_address(caller.pc);
    *state = caller;
    return is_signal_frame ? MS_UNWIND_SIGNAL : MS_UNWIND_CALLER;
}

// The distance of a word below the CFA, into `words_out`; false where it does not fit.
static bool fits(const struct ms_rule *rule, uint64_t *words_out) {
    uint64_t distance = -(uint64_t)rule->value;
    *words_out = distance / WORD;
    return rule->kind == MS_RULE_OFFSET && distance % WORD == 0 && *words_out <= WORDS_MASK;
}

static uint64_t pack(const struct ms_unwind_row *row, bool is_signal_frame) {
    const struct ms_rule *cfa = &row->cfa, *ra = &row->rules[MS_FOLLOWED_RA];
    const struct ms_rule *fp = &row->rules[MS_FOLLOWED_FP];
    uint64_t ra_words = 0, fp_words = 0;
    if (ra->kind == MS_RULE_UNDEFINED)
        return KIND_ROOT;
    if (ra->kind == MS_RULE_SAME) // in a register that is not followed
        return KIND_LOST;
    bool is_frame = !is_signal_frame && cfa->kind == MS_RULE_REGISTER &&
                    (cfa->number == MS_DWARF_SP || cfa->number == MS_DWARF_FP) &&
                    (uint64_t)cfa->value < CFA_MOST && fits(ra, &ra_words) &&
                    (fp->kind == MS_RULE_SAME || fits(fp, &fp_words)) &&
                    row->rules[MS_FOLLOWED_SP].kind == MS_RULE_SAME;
    if (!is_frame)
        return KIND_INTERPRETED;
    bool by_fp = cfa->number == MS_DWARF_FP, saves_fp = fp->kind != MS_RULE_SAME;
    bool keeps_fp = by_fp && cfa->value == 2 * WORD && ra_words == 1 && saves_fp && fp_words == 2;
    return KIND_FRAME | (by_fp ? CFA_BY_FP : 0) | (saves_fp ? FP_IS_SAVED : 0) |
           (keeps_fp ? KEEPS_FP : 0) | ra_words << RA_SHIFT | fp_words << FP_SHIFT |
           (uint64_t)cfa->value << CFA_SHIFT;
}

// A return address where a function begins, with none before it, was put there by hand: the
// function of a made context returns to it.
static bool is_made_root(uintptr_t address, const struct ms_unwind_state *state) {
    struct ms_fde fde;
    return !state->is_interrupted && ms_fde_find(address + 1, &fde) == MS_FDE_FOUND &&
           fde.start == address + 1;
}

// A slot holds pc ^ rule beside the rule: where a signal handler's step came between two loads or
// stores, they do not fit any more.
MS_HOT struct ms_unwind_rule *slot_of(struct ms_unwind_cache *cache, uintptr_t address) {
    uint64_t mixed = address * UINT64_C(0x9e3779b97f4a7c15);
    return &cache->rules[mixed >> (64 - __builtin_ctz(MS_UNWIND_RULES))];
}

static MS_COLD enum ms_unwind_result step_by_tables(struct ms_unwind_rule *slot, uintptr_t address,
                                                    struct ms_unwind_state *state,
                                                    struct ms_stack_bounds bounds,
                                                    bool *keeps_frame_pointer_out) {
    struct ms_fde fde;
    struct ms_unwind_row row;
    uint64_t rule = KIND_LOST;
    enum ms_fde_result found = ms_fde_find(address, &fde);
    if (found == MS_FDE_NO_MODULE) // not remembered: one may be loaded there
        return MS_UNWIND_LOST;
    if (found == MS_FDE_FOUND && ms_row_at(&fde, address, &row))
        rule = pack(&row, fde.is_signal_frame);
    else if (found == MS_FDE_NONE && is_made_root(address, state))
        rule = KIND_ROOT;
    if (slot) {
        ms_store(&slot->rule, rule);
        ms_store(&slot->pc_xor_rule, address ^ rule);
    }
    switch (rule & KIND_MASK) {
    case KIND_FRAME:
        *keeps_frame_pointer_out = (rule & KEEPS_FP) != 0;
        return step_frame(rule, state, bounds);
    case KIND_INTERPRETED:
        return step_row(&row, fde.is_signal_frame, state, bounds);
    case KIND_ROOT:
        return MS_UNWIND_ROOT;
    default:
        return MS_UNWIND_LOST;
    }
}

enum ms_unwind_result ms_unwind_step(struct ms_unwind_cache *cache, struct ms_unwind_state *state,
                                     struct ms_stack_bounds bounds, bool *keeps_frame_pointer_out) {
    uintptr_t address = state->pc - !state->is_interrupted;
    struct ms_unwind_rule *slot = NULL;
    *keeps_frame_pointer_out = false;
    if (MS_LIKELY(cache != NULL)) {
        slot = slot_of(cache, address);
        uint64_t rule = ms_load(&slot->rule);
        if (MS_LIKELY((ms_load(&slot->pc_xor_rule) ^ rule) == address)) {
            if (MS_LIKELY((rule & KIND_MASK) == KIND_FRAME)) {
                *keeps_frame_pointer_out = (rule & KEEPS_FP) != 0;
                return step_frame(rule, state, bounds);
            }
            if ((rule & KIND_MASK) != KIND_INTERPRETED)
                return (rule & KIND_MASK) == KIND_ROOT ? MS_UNWIND_ROOT : MS_UNWIND_LOST;
        }
    }
    return step_by_tables(slot, address, state, bounds, keeps_frame_pointer_out);
}

uintptr_t ms_unwind_function_start(uintptr_t pc) {
    struct ms_fde fde;
    return ms_fde_find(pc - 1, &fde) == MS_FDE_FOUND ? fde.start : 0;
}

void ms_unwind_forget(struct ms_unwind_cache *cache, uintptr_t start, uintptr_t end) {
    for (unsigned i = 0; i < MS_UNWIND_RULES; i++) {
        struct ms_unwind_rule *slot = &cache->rules[i];
        uint64_t check = ms_load(&slot->pc_xor_rule);
        if (check != 0 && (check ^ ms_load(&slot->rule)) - start < end - start)
            ms_store(&slot->pc_xor_rule, 0);
    }
}
