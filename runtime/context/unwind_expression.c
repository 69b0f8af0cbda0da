// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// DWARF expressions, those operations that compilers and libc write into unwind tables: PLTs,
// realigned frames, signal frames. None branches, so an expression ends with its bytes.

#include "unwind_tables.h"

#include <string.h>

enum {
    OP_DEREF = 0x06,
    OP_CONST1U = 0x08,
    OP_CONST1S = 0x09,
    OP_CONST2U = 0x0a,
    OP_CONST2S = 0x0b,
    OP_CONST4U = 0x0c,
    OP_CONST4S = 0x0d,
    OP_CONST8U = 0x0e,
    OP_CONST8S = 0x0f,
    OP_CONSTU = 0x10,
    OP_CONSTS = 0x11,
    OP_DUP = 0x12,
    OP_DROP = 0x13,
    OP_OVER = 0x14,
    OP_SWAP = 0x16,
    OP_AND = 0x1a,
    OP_MINUS = 0x1c,
    OP_MUL = 0x1e,
    OP_NEG = 0x1f,
    OP_NOT = 0x20,
    OP_OR = 0x21,
    OP_PLUS = 0x22,
    OP_PLUS_UCONST = 0x23,
    OP_SHL = 0x24,
    OP_SHR = 0x25,
    OP_SHRA = 0x26,
    OP_XOR = 0x27,
    OP_EQ = 0x29,
    OP_GE = 0x2a,
    OP_GT = 0x2b,
    OP_LE = 0x2c,
    OP_LT = 0x2d,
    OP_NE = 0x2e,
    OP_LIT0 = 0x30,
    OP_BREG0 = 0x70,
    OP_BREG31 = 0x8f,
    OP_BREGX = 0x92,
    OP_NOP = 0x96,
};

enum { DEPTH = 16 };

// Grows upwards; what is not there is an operation too many, which sets `is_bad`.
struct values {
    uintptr_t slots[DEPTH];
    unsigned count;
    bool is_bad;
};

static void push(struct values *values, uintptr_t value) {
    if (values->count == DEPTH)
        values->is_bad = true;
    else
        values->slots[values->count++] = value;
}

static uintptr_t pop(struct values *values) {
    if (values->count == 0) {
        values->is_bad = true;
        return 0;
    }
    return values->slots[--values->count];
}

bool ms_stack_word(uintptr_t at, struct ms_stack_bounds bounds, uintptr_t *word_out) {
    if (bounds.bytes < sizeof *word_out || at - bounds.low > bounds.bytes - sizeof *word_out)
        return false;
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): in bounds
    memcpy(word_out, (const void *)at, sizeof *word_out);
    return true;
}

bool ms_register_value(uint64_t number, const struct ms_unwind_state *state, uintptr_t *value_out) {
    switch (number) {
    case MS_DWARF_SP:
        *value_out = state->sp;
        return true;
    case MS_DWARF_FP:
        *value_out = state->fp;
        return true;
    case MS_DWARF_NAMES_PC:
        *value_out = state->pc;
        return true;
    }
    return false;
}

static void push_register(struct values *values, const struct ms_unwind_state *state,
                          uint64_t number, int64_t offset) {
    uintptr_t value = 0;
    if (!ms_register_value(number, state, &value))
        values->is_bad = true;
    push(values, value + (uintptr_t)offset);
}

// Operations on the two topmost values; false = it is none of these.
static bool calculate(struct values *values, unsigned operation) {
    if (operation < OP_AND || operation > OP_NE || operation == OP_NEG || operation == OP_NOT ||
        operation == OP_PLUS_UCONST)
        return false;
    uintptr_t right = pop(values), left = pop(values), result;
    intptr_t signed_left = (intptr_t)left, signed_right = (intptr_t)right;
    bool is_wide = right >= 64;
    switch (operation) {
    case OP_AND:
        result = left & right;
        break;
    case OP_MINUS:
        result = left - right;
        break;
    case OP_MUL:
        result = left * right;
        break;
    case OP_OR:
        result = left | right;
        break;
    case OP_PLUS:
        result = left + right;
        break;
    case OP_SHL:
        result = is_wide ? 0 : left << right;
        break;
    case OP_SHR:
        result = is_wide ? 0 : left >> right;
        break;
    case OP_SHRA:
        result = (uintptr_t)(signed_left >> (is_wide ? 63 : right));
        break;
    case OP_XOR:
        result = left ^ right;
        break;
    case OP_EQ:
        result = left == right;
        break;
    case OP_GE:
        result = signed_left >= signed_right;
        break;
    case OP_GT:
        result = signed_left > signed_right;
        break;
    case OP_LE:
        result = signed_left <= signed_right;
        break;
    case OP_LT:
        result = signed_left < signed_right;
        break;
    case OP_NE:
        result = left != right;
        break;
    default:
        return false;
    }
    push(values, result);
    return true;
}

// A constant's operation tells its width and sign.
static bool read_constant(struct ms_reader *reader, unsigned operation, uintptr_t *value_out) {
    if (operation >= OP_LIT0 && operation < OP_BREG0 - 32) {
        *value_out = operation - OP_LIT0;
    } else if (operation >= OP_CONST1U && operation <= OP_CONST8S) {
        unsigned bytes = 1u << (operation - OP_CONST1U) / 2;
        *value_out =
            operation & 1 ? (uintptr_t)ms_read_signed(reader, bytes) : ms_read_fixed(reader, bytes);
    } else if (operation == OP_CONSTU) {
        *value_out = ms_read_uleb(reader);
    } else if (operation == OP_CONSTS) {
        *value_out = (uintptr_t)ms_read_sleb(reader);
    } else {
        return false;
    }
    return true;
}

static void rearrange(struct values *values, unsigned operation) {
    uintptr_t top = pop(values), below;
    switch (operation) {
    case OP_DROP:
        break;
    case OP_DUP:
        push(values, top);
        push(values, top);
        break;
    default: // OVER, SWAP
        below = pop(values);
        push(values, operation == OP_OVER ? below : top);
        push(values, operation == OP_OVER ? top : below);
        if (operation == OP_OVER)
            push(values, below);
    }
}

bool ms_expression_value(const struct ms_rule *rule, const uintptr_t *initial,
                         const struct ms_unwind_state *state, struct ms_stack_bounds bounds,
                         uintptr_t *value_out) {
    struct ms_reader reader = {.at = (uintptr_t)rule->value,
                               .end = (uintptr_t)rule->value + rule->number};
    struct values values = {.count = 0};
    if (initial)
        push(&values, *initial);
    while (reader.at < reader.end && !reader.is_bad && !values.is_bad) {
        unsigned operation = (unsigned)ms_read_fixed(&reader, 1);
        uintptr_t value;
        if (calculate(&values, operation))
            continue;
        if (read_constant(&reader, operation, &value)) {
            push(&values, value);
            continue;
        }
        if (operation >= OP_BREG0 && operation <= OP_BREG31) {
            push_register(&values, state, operation - OP_BREG0, ms_read_sleb(&reader));
            continue;
        }
        switch (operation) {
        case OP_BREGX:
            value = ms_read_uleb(&reader);
            push_register(&values, state, value, ms_read_sleb(&reader));
            break;
        case OP_DEREF:
            if (!ms_stack_word(pop(&values), bounds, &value))
                return false;
            push(&values, value);
            break;
        case OP_PLUS_UCONST:
            value = pop(&values);
            push(&values, value + ms_read_uleb(&reader));
            break;
        case OP_NEG:
            push(&values, -pop(&values));
            break;
        case OP_NOT:
            push(&values, ~pop(&values));
            break;
        case OP_DUP:
        case OP_DROP:
        case OP_OVER:
        case OP_SWAP:
            rearrange(&values, operation);
            break;
        case OP_NOP:
            break;
        default:
            return false;
        }
    }
    *value_out = pop(&values);
    return !reader.is_bad && !values.is_bad;
}
