// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the programs of a CIE and an FDE (DW_CFA_*) up to an address: what they have said until then
// is the row that holds there.

#include "unwind_tables.h"

enum {
    CFA_ADVANCE = 0x40, // the low six bits are the operand
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE1 = 0x02,
    CFA_ADVANCE2 = 0x03,
    CFA_ADVANCE4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER_STATE = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF_CFA = 0x0c,
    CFA_DEF_CFA_REGISTER = 0x0d,
    CFA_DEF_CFA_OFFSET = 0x0e,
    CFA_DEF_CFA_EXPRESSION = 0x0f,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_EXTENDED_SF = 0x11,
    CFA_DEF_CFA_SF = 0x12,
    CFA_DEF_CFA_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_MIPS_ADVANCE8 = 0x1d,
    CFA_AARCH64_RA_STATE_WITH_PC = 0x2c, // how return addresses are signed: ms_code_address
    CFA_AARCH64_RA_STATE = 0x2d,
    CFA_ARGUMENTS_BYTES = 0x2e,
    CFA_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

enum {
    REMEMBERED = 8,                    // compilers nest once
    MOST_OPERATIONS = 4 * 1000 * 1000, // far above any function's
};

struct machine {
    const struct ms_fde *fde;
    struct ms_reader program;
    uintptr_t location;
    struct ms_unwind_row row;
    struct ms_unwind_row initial; // after the CIE's program
    struct ms_unwind_row remembered[REMEMBERED];
    unsigned remembered_count;
    bool is_bad;
};

// The rule of a register; NULL for one that is not followed.
static struct ms_rule *rule_of(struct ms_unwind_row *row, uint64_t number) {
    switch (number) {
    case MS_DWARF_SP:
        return &row->rules[MS_FOLLOWED_SP];
    case MS_DWARF_FP:
        return &row->rules[MS_FOLLOWED_FP];
    case MS_DWARF_RA:
        return &row->rules[MS_FOLLOWED_RA];
    }
    return NULL;
}

static void set(struct machine *machine, uint64_t number, struct ms_rule value) {
    struct ms_rule *rule = rule_of(&machine->row, number);
    if (rule)
        *rule = value;
}

static void set_offset(struct machine *machine, uint64_t number, enum ms_rule_kind kind,
                       uint64_t factored) {
    int64_t offset = (int64_t)(factored * (uint64_t)machine->fde->data_factor);
    set(machine, number, (struct ms_rule){.kind = kind, .value = offset});
}

static void restore(struct machine *machine, uint64_t number) {
    struct ms_rule *initial = rule_of(&machine->initial, number);
    if (initial)
        set(machine, number, *initial);
}

static void define_cfa(struct machine *machine, uint64_t number, uint64_t offset) {
    machine->row.cfa = (struct ms_rule){
        .kind = MS_RULE_REGISTER, .number = (uint32_t)number, .value = (int64_t)offset};
    if (number != (uint32_t)number)
        machine->is_bad = true;
}

static struct ms_rule read_expression(struct machine *machine, enum ms_rule_kind kind) {
    struct ms_reader part = ms_read_part(&machine->program, ms_read_uleb(&machine->program));
    if (part.end - part.at > UINT32_MAX)
        machine->is_bad = true;
    return (struct ms_rule){
        .kind = kind, .number = (uint32_t)(part.end - part.at), .value = (int64_t)part.at};
}

static void remember(struct machine *machine) {
    if (machine->remembered_count == REMEMBERED)
        machine->is_bad = true;
    else
        machine->remembered[machine->remembered_count++] = machine->row;
}

static void recall(struct machine *machine) {
    if (machine->remembered_count == 0)
        machine->is_bad = true;
    else
        machine->row = machine->remembered[--machine->remembered_count];
}

// Where the program goes on to; false = not an advance.
static bool advance(struct machine *machine, unsigned operation) {
    struct ms_reader *program = &machine->program;
    uint64_t delta;
    switch (operation) {
    case CFA_SET_LOC:
        machine->location =
            ms_read_pointer(program, machine->fde->pointer_encoding, &machine->fde->tables);
        return true;
    case CFA_ADVANCE1:
        delta = ms_read_fixed(program, 1);
        break;
    case CFA_ADVANCE2:
        delta = ms_read_fixed(program, 2);
        break;
    case CFA_ADVANCE4:
        delta = ms_read_fixed(program, 4);
        break;
    case CFA_MIPS_ADVANCE8:
        delta = ms_read_fixed(program, 8);
        break;
    default:
        if ((operation & 0xc0) != CFA_ADVANCE)
            return false;
        delta = operation & 0x3f;
    }
    machine->location += delta * machine->fde->code_factor;
    return true;
}

static bool set_cfa(struct machine *machine, unsigned operation) {
    struct ms_reader *program = &machine->program;
    struct ms_rule *cfa = &machine->row.cfa;
    uint64_t factor = (uint64_t)machine->fde->data_factor, number;
    switch (operation) {
    case CFA_DEF_CFA:
        number = ms_read_uleb(program);
        define_cfa(machine, number, ms_read_uleb(program));
        return true;
    case CFA_DEF_CFA_SF:
        number = ms_read_uleb(program);
        define_cfa(machine, number, (uint64_t)ms_read_sleb(program) * factor);
        return true;
    case CFA_DEF_CFA_REGISTER: // after an expression there is no offset to keep
        machine->is_bad |= cfa->kind != MS_RULE_REGISTER;
        define_cfa(machine, ms_read_uleb(program), (uint64_t)cfa->value);
        return true;
    case CFA_DEF_CFA_OFFSET:
        machine->is_bad |= cfa->kind != MS_RULE_REGISTER;
        cfa->value = (int64_t)ms_read_uleb(program);
        return true;
    case CFA_DEF_CFA_OFFSET_SF:
        machine->is_bad |= cfa->kind != MS_RULE_REGISTER;
        cfa->value = (int64_t)((uint64_t)ms_read_sleb(program) * factor);
        return true;
    case CFA_DEF_CFA_EXPRESSION:
        *cfa = read_expression(machine, MS_RULE_VALUE_EXPRESSION);
        return true;
    }
    return false;
}

static bool set_rule(struct machine *machine, unsigned operation) {
    struct ms_reader *program = &machine->program;
    uint64_t number = operation & 0x3f;
    switch (operation & 0xc0) {
    case CFA_OFFSET:
        set_offset(machine, number, MS_RULE_OFFSET, ms_read_uleb(program));
        return true;
    case CFA_RESTORE:
        restore(machine, number);
        return true;
    }
    if (operation < CFA_OFFSET_EXTENDED ||
        (operation > CFA_VAL_EXPRESSION && operation != CFA_NEGATIVE_OFFSET_EXTENDED))
        return false;
    number = ms_read_uleb(program);
    switch (operation) {
    case CFA_OFFSET_EXTENDED:
        set_offset(machine, number, MS_RULE_OFFSET, ms_read_uleb(program));
        return true;
    case CFA_OFFSET_EXTENDED_SF:
        set_offset(machine, number, MS_RULE_OFFSET, (uint64_t)ms_read_sleb(program));
        return true;
    case CFA_NEGATIVE_OFFSET_EXTENDED:
        set_offset(machine, number, MS_RULE_OFFSET, -ms_read_uleb(program));
        return true;
    case CFA_VAL_OFFSET:
        set_offset(machine, number, MS_RULE_VALUE, ms_read_uleb(program));
        return true;
    case CFA_VAL_OFFSET_SF:
        set_offset(machine, number, MS_RULE_VALUE, (uint64_t)ms_read_sleb(program));
        return true;
    case CFA_RESTORE_EXTENDED:
        restore(machine, number);
        return true;
    case CFA_UNDEFINED:
        set(machine, number, (struct ms_rule){.kind = MS_RULE_UNDEFINED});
        return true;
    case CFA_SAME_VALUE:
        set(machine, number, (struct ms_rule){.kind = MS_RULE_SAME});
        return true;
    case CFA_REGISTER:
        set(machine, number,
            (struct ms_rule){.kind = MS_RULE_REGISTER, .number = (uint32_t)ms_read_uleb(program)});
        return true;
    case CFA_EXPRESSION:
        set(machine, number, read_expression(machine, MS_RULE_EXPRESSION));
        return true;
    case CFA_VAL_EXPRESSION:
        set(machine, number, read_expression(machine, MS_RULE_VALUE_EXPRESSION));
        return true;
    }
    return false;
}

// Up to the first operation behind `address`.
static bool run(struct machine *machine, struct ms_reader program, uintptr_t address) {
    unsigned operations = 0;
    machine->program = program;
    while (machine->program.at < machine->program.end && machine->location <= address) {
        unsigned operation = (unsigned)ms_read_fixed(&machine->program, 1);
        if (operation == CFA_REMEMBER_STATE)
            remember(machine);
        else if (operation == CFA_RESTORE_STATE)
            recall(machine);
        else if (operation == CFA_ARGUMENTS_BYTES)
            ms_read_uleb(&machine->program);
        else if (operation == CFA_NOP || operation == CFA_AARCH64_RA_STATE ||
                 operation == CFA_AARCH64_RA_STATE_WITH_PC)
            continue;
        else if (!advance(machine, operation) && !set_cfa(machine, operation) &&
                 !set_rule(machine, operation))
            return false;
        if (machine->is_bad || ++operations == MOST_OPERATIONS)
            return false;
    }
    return !machine->program.is_bad;
}

bool ms_row_at(const struct ms_fde *fde, uintptr_t address, struct ms_unwind_row *row_out) {
    struct machine machine;
    machine.fde = fde;
    machine.location = fde->start;
    machine.remembered_count = 0;
    machine.is_bad = false;
    // Until the CIE says so, there is no CFA.
    machine.row = (struct ms_unwind_row){.cfa = {.kind = MS_RULE_UNDEFINED}};
    if (!run(&machine, fde->common_program, address))
        return false;
    machine.initial = machine.row;
    if (!run(&machine, fde->program, address))
        return false;
    *row_out = machine.row;
    return machine.row.cfa.kind == MS_RULE_REGISTER ||
           machine.row.cfa.kind == MS_RULE_VALUE_EXPRESSION;
}
