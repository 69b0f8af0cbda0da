// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The unwind tables as the unwinder reads them: bytes -> the FDE that covers a pc -> the row of
// rules for that pc -> values. Each stage trusts nothing that it reads: a broken table is a false,
// at worst a wrong value, never a read outside of [low, high) or of the stack's bounds.

#ifndef MS_UNWIND_TABLES_H
#define MS_UNWIND_TABLES_H

#include "unwind.h"

// Bytes of a table. Reading past `end` gives zero, sets `is_bad` and leaves nothing to read.
struct ms_reader {
    uintptr_t at, end;
    bool is_bad;
};

uint64_t ms_read_fixed(struct ms_reader *reader, unsigned bytes); // 1, 2, 4 or 8
int64_t ms_read_signed(struct ms_reader *reader, unsigned bytes);
uint64_t ms_read_uleb(struct ms_reader *reader);
int64_t ms_read_sleb(struct ms_reader *reader);
void ms_read_skip(struct ms_reader *reader, uint64_t bytes);
// The next `bytes` of it, which it skips.
struct ms_reader ms_read_part(struct ms_reader *reader, uint64_t bytes);

// Where one module's tables are: [low, high) is mapped, and nothing outside is read.
struct ms_tables {
    uintptr_t low, high;
    uintptr_t header; // .eh_frame_hdr
};

uintptr_t ms_read_pointer(struct ms_reader *reader, uint8_t encoding,
                          const struct ms_tables *tables);

// A frame description: how to unwind from the code in [start, end).
struct ms_fde {
    struct ms_tables tables;
    uintptr_t start, end;
    struct ms_reader common_program; // of the CIE
    struct ms_reader program;
    uint64_t code_factor;
    int64_t data_factor;
    uint8_t pointer_encoding;
    bool is_signal_frame;
};

enum ms_fde_result { MS_FDE_FOUND, MS_FDE_NONE, MS_FDE_NO_MODULE };

// The FDE that covers `address`. NO_MODULE: no loaded object is there.
enum ms_fde_result ms_fde_find(uintptr_t address, struct ms_fde *fde_out);
bool ms_fde_find_in(const struct ms_tables *tables, uintptr_t address, struct ms_fde *fde_out);

enum ms_rule_kind {
    MS_RULE_SAME,       // the caller's value is in the register still; also where nothing is said
    MS_RULE_UNDEFINED,  // there is none
    MS_RULE_OFFSET,     // saved at CFA + value
    MS_RULE_VALUE,      // is CFA + value
    MS_RULE_REGISTER,   // in another register
    MS_RULE_EXPRESSION, // saved where the expression says
    MS_RULE_VALUE_EXPRESSION,
};

struct ms_rule {
    enum ms_rule_kind kind;
    uint32_t number; // the register, or the expression's bytes
    int64_t value;   // the offset, or the expression's address
};

enum ms_followed { MS_FOLLOWED_SP, MS_FOLLOWED_FP, MS_FOLLOWED_RA, MS_FOLLOWED };

struct ms_unwind_row {
    struct ms_rule cfa; // REGISTER: register `number` + `value`; or VALUE_EXPRESSION
    struct ms_rule rules[MS_FOLLOWED];
};

// The row for `address`, which the FDE covers.
bool ms_row_at(const struct ms_fde *fde, uintptr_t address, struct ms_unwind_row *row_out);

// The step that a row tells, whatever its shape.
enum ms_unwind_result ms_row_step(const struct ms_unwind_row *row, bool is_signal_frame,
                                  struct ms_unwind_state *state, struct ms_stack_bounds bounds);

// Evaluates the expression of `rule`; with `initial`, that is on its stack. False where an
// operation or register is not known, or memory out of bounds is read.
bool ms_expression_value(const struct ms_rule *rule, const uintptr_t *initial,
                         const struct ms_unwind_state *state, struct ms_stack_bounds bounds,
                         uintptr_t *value_out);

// A word of the stack.
bool ms_stack_word(uintptr_t at, struct ms_stack_bounds bounds, uintptr_t *word_out);
// The value of a register that is followed.
bool ms_register_value(uint64_t number, const struct ms_unwind_state *state, uintptr_t *value_out);

#endif
