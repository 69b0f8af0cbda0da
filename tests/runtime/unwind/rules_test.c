// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that compilers write seldom or never, which no library shows: what each says, by hand.

#include "context/unwind_tables.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { START = 0x1000, DATA_FACTOR = -8 };

// The row at START + `offset` of a program of bytes, after a CIE that says CFA = sp + 8, RA at -8.
static bool row(const uint8_t *bytes, size_t count, uintptr_t offset,
                struct ms_unwind_row *row_out) {
    static const uint8_t common[] = {0x0c, MS_DWARF_SP, 8, 0x80 | MS_DWARF_RA, 1};
    struct ms_fde fde = {
        .tables = {.low = (uintptr_t)bytes, .high = (uintptr_t)bytes + count},
        .start = START,
        .end = START + 0x100000,
        .common_program = {.at = (uintptr_t)common, .end = (uintptr_t)common + sizeof common},
        .program = {.at = (uintptr_t)bytes, .end = (uintptr_t)bytes + count},
        .code_factor = 4,
        .data_factor = DATA_FACTOR};
    return ms_row_at(&fde, START + offset, row_out);
}

#define BYTES(...)                                                                                 \
    (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]) {                                      \
        __VA_ARGS__                                                                                \
    }
#define FP MS_DWARF_FP
#define RA MS_DWARF_RA

static void expect_cfa(const uint8_t *bytes, size_t count, uintptr_t offset, uint32_t number,
                       int64_t value) {
    struct ms_unwind_row got;
    ck_assert(row(bytes, count, offset, &got));
    ck_assert_int_eq(got.cfa.kind, MS_RULE_REGISTER);
    ck_assert_uint_eq(got.cfa.number, number);
    ck_assert_int_eq(got.cfa.value, value);
}

static void expect_rule(const uint8_t *bytes, size_t count, enum ms_followed which,
                        enum ms_rule_kind kind, int64_t value) {
    struct ms_unwind_row got;
    ck_assert(row(bytes, count, 0, &got));
    ck_assert_int_eq(got.rules[which].kind, kind);
    if (kind == MS_RULE_REGISTER)
        ck_assert_uint_eq(got.rules[which].number, (uint32_t)value);
    else
        ck_assert_int_eq(got.rules[which].value, value);
}

START_TEST(advances_lead_to_their_rows) {
    // def_cfa_offset 16 behind each kind of advance, of 1, 2, 3, 4 and 5 units of 4 bytes.
    expect_cfa(BYTES(0x41, 0x0e, 16), 3, MS_DWARF_SP, 8);
    expect_cfa(BYTES(0x41, 0x0e, 16), 4, MS_DWARF_SP, 16);
    expect_cfa(BYTES(0x02, 2, 0x0e, 16), 7, MS_DWARF_SP, 8);
    expect_cfa(BYTES(0x02, 2, 0x0e, 16), 8, MS_DWARF_SP, 16);
    expect_cfa(BYTES(0x03, 3, 0, 0x0e, 16), 11, MS_DWARF_SP, 8);
    expect_cfa(BYTES(0x03, 3, 0, 0x0e, 16), 12, MS_DWARF_SP, 16);
    expect_cfa(BYTES(0x04, 4, 0, 0, 0, 0x0e, 16), 15, MS_DWARF_SP, 8);
    expect_cfa(BYTES(0x04, 4, 0, 0, 0, 0x0e, 16), 16, MS_DWARF_SP, 16);
    expect_cfa(BYTES(0x1d, 5, 0, 0, 0, 0, 0, 0, 0, 0x0e, 16), 19, MS_DWARF_SP, 8);
    expect_cfa(BYTES(0x1d, 5, 0, 0, 0, 0, 0, 0, 0, 0x0e, 16), 20, MS_DWARF_SP, 16);
    // set_loc, absolute
    expect_cfa(BYTES(0x01, 0x18, 0x10, 0, 0, 0, 0, 0, 0, 0x0e, 16), 0x17, MS_DWARF_SP, 8);
    expect_cfa(BYTES(0x01, 0x18, 0x10, 0, 0, 0, 0, 0, 0, 0x0e, 16), 0x18, MS_DWARF_SP, 16);
}
END_TEST

START_TEST(cfa_operations_say_where_the_frame_is) {
    expect_cfa(BYTES(0x0c, FP, 0x90, 0x01), 0, FP, 144);
    expect_cfa(BYTES(0x0d, FP), 0, FP, 8);
    expect_cfa(BYTES(0x0e, 0x80, 0x02), 0, MS_DWARF_SP, 256);
    expect_cfa(BYTES(0x12, FP, 0x7e), 0, FP, 16);      // def_cfa_sf: -2 * -8
    expect_cfa(BYTES(0x13, 0x7c), 0, MS_DWARF_SP, 32); // def_cfa_offset_sf
    // remember, change, restore; twice, one in the other
    expect_cfa(BYTES(0x0e, 16, 0x0a, 0x0e, 24, 0x0a, 0x0c, FP, 32, 0x0b), 0, MS_DWARF_SP, 24);
    expect_cfa(BYTES(0x0e, 16, 0x0a, 0x0e, 24, 0x0a, 0x0c, FP, 32, 0x0b, 0x0b), 0, MS_DWARF_SP, 16);
    expect_cfa(BYTES(0x2e, 0x20, 0x00, 0x2d, 0x2c, 0x0e, 40), 0, MS_DWARF_SP, 40); // no rules
    struct ms_unwind_row got;
    ck_assert(row(BYTES(0x0f, 2, 0x76, 0), 0, &got));
    ck_assert_int_eq(got.cfa.kind, MS_RULE_VALUE_EXPRESSION);
    ck_assert_uint_eq(got.cfa.number, 2);
}
END_TEST

START_TEST(register_operations_say_where_the_callers_value_is) {
    enum ms_followed fp = MS_FOLLOWED_FP, ra = MS_FOLLOWED_RA;
    expect_rule(BYTES(0x80 | FP, 2), fp, MS_RULE_OFFSET, -16);
    expect_rule(BYTES(0x05, FP, 3), fp, MS_RULE_OFFSET, -24);
    expect_rule(BYTES(0x11, FP, 0x7f), fp, MS_RULE_OFFSET, 8);
    expect_rule(BYTES(0x2f, FP, 2), fp, MS_RULE_OFFSET, 16);
    expect_rule(BYTES(0x14, FP, 2), fp, MS_RULE_VALUE, -16);
    expect_rule(BYTES(0x15, FP, 0x7e), fp, MS_RULE_VALUE, 16);
    expect_rule(BYTES(0x80 | FP, 2, 0x08, FP), fp, MS_RULE_SAME, 0);
    expect_rule(BYTES(0x80 | FP, 2, 0x07, FP), fp, MS_RULE_UNDEFINED, 0);
    expect_rule(BYTES(0x09, RA, 3), ra, MS_RULE_REGISTER, 3);
    expect_rule(BYTES(0x80 | FP, 2, 0xc0 | FP), fp, MS_RULE_SAME, 0); // what the CIE says
    expect_rule(BYTES(0x07, RA, 0x06, RA), ra, MS_RULE_OFFSET, -8);
    expect_rule(BYTES(0x80 | FP, 2, 0x0a, 0x80 | FP, 5, 0x0b), fp, MS_RULE_OFFSET, -16);
    expect_rule(BYTES(0x83, 2, 0x05, 40, 2), fp, MS_RULE_SAME, 0); // of registers not followed
    const uint8_t expression[] = {0x10, FP, 2, 0x77, 8}, value[] = {0x16, FP, 2, 0x77, 8};
    expect_rule(expression, 5, fp, MS_RULE_EXPRESSION, (int64_t)(uintptr_t)&expression[3]);
    expect_rule(value, 5, fp, MS_RULE_VALUE_EXPRESSION, (int64_t)(uintptr_t)&value[3]);
}
END_TEST

START_TEST(programs_that_cannot_be_are_refused) {
    struct ms_unwind_row got;
    ck_assert(!row(BYTES(0x0b), 0, &got));                   // restores what is not remembered
    ck_assert(!row(BYTES(0x0c, FP), 0, &got));               // ends in an operation
    ck_assert(!row(BYTES(0x0f, 9, 0x76), 0, &got));          // in an expression
    ck_assert(!row(BYTES(0x3f), 0, &got));                   // nobody's operation
    ck_assert(!row(BYTES(0x0f, 1, 0x30, 0x0e, 8), 0, &got)); // an offset of an expression
    ck_assert(!row(BYTES(0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a), 0, &got));
    ck_assert(row(BYTES(0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a), 0, &got));
}
END_TEST

// ---- expressions -------------------------------------------------------------------------------

static uintptr_t stack[] = {0x11, 0x2222, 0x333333, 0x44};

static bool evaluate(const uint8_t *bytes, size_t count, uintptr_t *value_out) {
    const struct ms_unwind_state state = {
        .pc = 0x400b, .sp = (uintptr_t)stack, .fp = (uintptr_t)&stack[2]};
    struct ms_stack_bounds bounds = {(uintptr_t)stack, sizeof stack};
    struct ms_rule rule = {.number = (uint32_t)count, .value = (int64_t)(uintptr_t)bytes};
    uintptr_t initial = 7;
    return ms_expression_value(&rule, &initial, &state, bounds, value_out);
}

static void expect_value(const uint8_t *bytes, size_t count, uintptr_t expected) {
    uintptr_t value;
    ck_assert(evaluate(bytes, count, &value));
    ck_assert_uint_eq(value, expected);
}

static void expect_none(const uint8_t *bytes, size_t count) {
    uintptr_t value;
    ck_assert(!evaluate(bytes, count, &value));
}

#define BREG(number) (0x70 + (number))

START_TEST(expressions_have_their_values) {
    uintptr_t sp = (uintptr_t)stack;
    expect_value(BYTES(0x96), 7); // what they begin with
    expect_value(BYTES(BREG(MS_DWARF_SP), 8), sp + 8);
    expect_value(BYTES(BREG(MS_DWARF_FP), 0x78), sp + 8);
    expect_value(BYTES(0x92, MS_DWARF_FP, 8), sp + 24);
    expect_value(BYTES(BREG(MS_DWARF_SP), 8, 0x06), 0x2222);
    expect_value(BYTES(0x08, 0xfe), 0xfe);
    expect_value(BYTES(0x09, 0xfe), (uintptr_t)-2);
    expect_value(BYTES(0x0a, 0xfe, 0xff), 0xfffe);
    expect_value(BYTES(0x0b, 0xfe, 0xff), (uintptr_t)-2);
    expect_value(BYTES(0x0c, 0xfe, 0xff, 0xff, 0xff), 0xfffffffe);
    expect_value(BYTES(0x0d, 0xfe, 0xff, 0xff, 0xff), (uintptr_t)-2);
    expect_value(BYTES(0x0e, 1, 2, 3, 4, 5, 6, 7, 8), 0x0807060504030201);
    expect_value(BYTES(0x0f, 1, 2, 3, 4, 5, 6, 7, 0xf8), 0xf807060504030201);
    expect_value(BYTES(0x10, 0x90, 0x01), 144);
    expect_value(BYTES(0x11, 0x7f), (uintptr_t)-1);
    expect_value(BYTES(0x4f), 31);
    expect_value(BYTES(0x35, 0x33, 0x1c), 2); // 5 - 3
    expect_value(BYTES(0x35, 0x33, 0x16, 0x1c), -(uintptr_t)2);
    expect_value(BYTES(0x35, 0x33, 0x14, 0x1c, 0x22), 3); // 5 + (3 - 5)
    expect_value(BYTES(0x35, 0x12, 0x1e), 25);
    expect_value(BYTES(0x35, 0x33, 0x13), 5);
    expect_value(BYTES(0x35, 0x33, 0x1a), 1);
    expect_value(BYTES(0x35, 0x33, 0x21), 7);
    expect_value(BYTES(0x35, 0x33, 0x27), 6);
    expect_value(BYTES(0x35, 0x23, 0x80, 0x01), 133);
    expect_value(BYTES(0x35, 0x1f, 0x20), 4);
    expect_value(BYTES(0x35, 0x33, 0x24), 40);
    expect_value(BYTES(0x11, 0x70, 0x32, 0x25), ~(uintptr_t)0 / 4 - 3); // -16 >> 2, unsigned
    expect_value(BYTES(0x11, 0x70, 0x32, 0x26), (uintptr_t)-4);
    expect_value(BYTES(0x35, 0x08, 64, 0x24), 0);
    expect_value(BYTES(0x11, 0x70, 0x33, 0x2a), 0); // -16 >= 3: they are signed
    expect_value(BYTES(0x11, 0x70, 0x33, 0x2d), 1);
    expect_value(BYTES(0x33, 0x33, 0x29), 1);
    expect_value(BYTES(0x33, 0x33, 0x2b), 0);
    expect_value(BYTES(0x33, 0x33, 0x2c), 1);
    expect_value(BYTES(0x33, 0x33, 0x2e), 0);
}
END_TEST

START_TEST(expressions_that_cannot_be_have_none) {
    expect_none(BYTES(0x22));                          // too few values
    expect_none(BYTES(0x13));                          // none left
    expect_none(BYTES(0x08));                          // ends in an operation
    expect_none(BYTES(BREG(3), 0));                    // a register that is not followed
    expect_none(BYTES(BREG(MS_DWARF_SP), 0x7f, 0x06)); // below the stack's bounds
    expect_none(BYTES(BREG(MS_DWARF_SP), 25, 0x06));   // a byte above
    expect_none(BYTES(0x30, 0x06));
    expect_none(BYTES(0x2f, 0xfd, 0xff)); // a branch
    expect_none(BYTES(0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30,
                      0x30, 0x30, 0x30)); // too many values
}
END_TEST

int main(void) {
    Suite *suite = suite_create("unwind");
    TCase *tests = tcase_create("rules");
    tcase_add_test(tests, advances_lead_to_their_rows);
    tcase_add_test(tests, cfa_operations_say_where_the_frame_is);
    tcase_add_test(tests, register_operations_say_where_the_callers_value_is);
    tcase_add_test(tests, programs_that_cannot_be_are_refused);
    tcase_add_test(tests, expressions_have_their_values);
    tcase_add_test(tests, expressions_that_cannot_be_have_none);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
