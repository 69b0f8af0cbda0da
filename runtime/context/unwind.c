// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps: by the cache where it knows the pc (unwind_fast.h), else by the tables, whose row is then
// packed into the cache.

#include "unwind.h"

#include "unwind_fast.h"
#include "unwind_tables.h"

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

enum ms_unwind_result ms_row_step(const struct ms_unwind_row *row, bool is_signal_frame,
                                  struct ms_unwind_state *state, struct ms_stack_bounds bounds) {
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
    *words_out = distance / MS_WORD_BYTES;
    return rule->kind == MS_RULE_OFFSET && distance % MS_WORD_BYTES == 0 && *words_out >= 1 &&
           *words_out <= MS_PACKED_WORDS_MOST;
}

static uint64_t pack(const struct ms_unwind_row *row, bool is_signal_frame) {
    const struct ms_rule *cfa = &row->cfa, *ra = &row->rules[MS_FOLLOWED_RA];
    const struct ms_rule *fp = &row->rules[MS_FOLLOWED_FP];
    uint64_t ra_words = 0, fp_words = 0;
    if (ra->kind == MS_RULE_UNDEFINED)
        return MS_PACKED_ROOT;
    if (ra->kind == MS_RULE_SAME) // in a register that is not followed
        return MS_PACKED_LOST;
    if (is_signal_frame || cfa->kind != MS_RULE_REGISTER ||
        (cfa->number != MS_DWARF_SP && cfa->number != MS_DWARF_FP) ||
        (uint64_t)cfa->value > MS_PACKED_CFA_MOST ||
        row->rules[MS_FOLLOWED_SP].kind != MS_RULE_SAME || !fits(ra, &ra_words) ||
        (MS_RA_BELOW_CFA != 0 && ra_words * MS_WORD_BYTES != MS_RA_BELOW_CFA))
        return MS_PACKED_INTERPRETED;
    bool by_fp = cfa->number == MS_DWARF_FP, saves_fp = fp->kind != MS_RULE_SAME;
    if (!saves_fp)
        fp_words = ra_words;
    else if (!fits(fp, &fp_words) || fp_words < ra_words)
        return MS_PACKED_INTERPRETED;
    bool keeps_fp =
        by_fp && cfa->value == 2 * MS_WORD_BYTES && ra_words == 1 && saves_fp && fp_words == 2;
    return MS_PACKED_IS_FRAME | (keeps_fp ? MS_PACKED_KEEPS_FP : 0) |
           (by_fp ? MS_PACKED_CFA_BY_FP : 0) | (saves_fp ? MS_PACKED_FP_IS_SAVED : 0) |
           ra_words << MS_PACKED_RA_SHIFT | fp_words << MS_PACKED_FP_SHIFT |
           (uint64_t)cfa->value << MS_PACKED_CFA_SHIFT;
}

// A return address where a function begins, with none before it, was put there by hand: the
// function of a made context returns to it.
static bool is_made_root(const struct ms_unwind_state *state) {
    struct ms_fde fde;
    return !state->is_interrupted && ms_fde_find(state->pc, &fde) == MS_FDE_FOUND &&
           fde.start == state->pc;
}

static MS_COLD enum ms_unwind_result step_by_tables(struct ms_unwind_rule *slot,
                                                    struct ms_unwind_state *state,
                                                    struct ms_stack_bounds bounds,
                                                    bool *keeps_frame_pointer_out) {
    struct ms_fde fde;
    struct ms_unwind_row row;
    uint64_t rule = MS_PACKED_LOST;
    uintptr_t address = state->pc - !state->is_interrupted;
    enum ms_fde_result found = ms_fde_find(address, &fde);
    *keeps_frame_pointer_out = false;
    if (found == MS_FDE_NO_MODULE) // not remembered: one may be loaded there
        return MS_UNWIND_LOST;
    if (found == MS_FDE_FOUND && ms_row_at(&fde, address, &row))
        rule = pack(&row, fde.is_signal_frame);
    else if (found == MS_FDE_NONE && is_made_root(state))
        rule = MS_PACKED_ROOT;
    if (slot) {
        ms_store(&slot->rule, rule);
        ms_store(&slot->pc_xor_rule, state->pc ^ rule);
    }
    if (rule & MS_PACKED_IS_FRAME) {
        *keeps_frame_pointer_out = (rule & MS_PACKED_KEEPS_FP) != 0;
        enum ms_unwind_result result = ms_packed_step(rule, state, bounds);
        if (result == MS_UNWIND_CALLER)
            state->is_interrupted = false;
        return result;
    }
    if (rule == MS_PACKED_INTERPRETED)
        return ms_row_step(&row, fde.is_signal_frame, state, bounds);
    return rule == MS_PACKED_ROOT ? MS_UNWIND_ROOT : MS_UNWIND_LOST;
}

enum ms_unwind_result ms_unwind_step(struct ms_unwind_cache *cache, struct ms_unwind_state *state,
                                     struct ms_stack_bounds bounds, bool *keeps_frame_pointer_out) {
    if (MS_UNLIKELY(cache == NULL || state->is_interrupted))
        return step_by_tables(NULL, state, bounds, keeps_frame_pointer_out);
    struct ms_unwind_rule *slot = ms_unwind_slot(cache, state->pc);
    uint64_t rule = ms_load(&slot->rule);
    if (MS_UNLIKELY((ms_load(&slot->pc_xor_rule) ^ rule) != state->pc))
        return step_by_tables(slot, state, bounds, keeps_frame_pointer_out);
    *keeps_frame_pointer_out = rule & MS_PACKED_KEEPS_FP;
    if (MS_LIKELY(rule & MS_PACKED_IS_FRAME))
        return ms_packed_step(rule, state, bounds);
    if (rule == MS_PACKED_INTERPRETED)
        return step_by_tables(NULL, state, bounds, keeps_frame_pointer_out);
    return rule == MS_PACKED_ROOT ? MS_UNWIND_ROOT : MS_UNWIND_LOST;
}

uintptr_t ms_unwind_function_start(uintptr_t pc) {
    struct ms_fde fde;
    return ms_fde_find(pc - 1, &fde) == MS_FDE_FOUND ? fde.start : 0;
}

void ms_unwind_forget(struct ms_unwind_cache *cache, uintptr_t start, uintptr_t end) {
    for (unsigned i = 0; i < MS_UNWIND_RULES; i++) {
        struct ms_unwind_rule *slot = &cache->rules[i];
        uintptr_t check = ms_load(&slot->pc_xor_rule), pc = check ^ ms_load(&slot->rule);
        if (check != 0 && pc - 1 - start < end - start) // the call is before the return address
            ms_store(&slot->pc_xor_rule, (uintptr_t)0);
    }
}
