// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Single steps from anywhere in the loaded libraries, with a made-up stack, against libunwind's.

#define UNW_LOCAL_ONLY
#include "context/unwind_tables.h"

#include <check.h>
#include <libunwind.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 1 << 16, SP_AT = WORDS / 4, FP_AT = WORDS / 2, ADDRESSES = 6 };

static uintptr_t stack[WORDS];
static struct ms_unwind_cache cache;
static struct {
    size_t functions, steps, signals, roots, lost, theirs_alone;
} seen;

static uint64_t seed = 1;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

// libunwind's step, with `others` in the registers that we do not follow; false where it has none.
static bool their_step(const struct ms_unwind_state *from, greg_t others,
                       struct ms_unwind_state *to) {
    unw_context_t context;
    unw_cursor_t cursor;
    unw_getcontext(&context);
    for (int i = 0; i < 16; i++)
        context.uc_mcontext.gregs[i] = others;
    context.uc_mcontext.gregs[REG_RIP] = (greg_t)from->pc;
    context.uc_mcontext.gregs[REG_RSP] = (greg_t)from->sp;
    context.uc_mcontext.gregs[REG_RBP] = (greg_t)from->fp;
    unw_proc_info_t info;
    if (unw_init_local2(&cursor, &context, from->is_interrupted ? UNW_INIT_SIGNAL_FRAME : 0) != 0 ||
        unw_get_proc_info(&cursor, &info) != 0 || unw_step(&cursor) <= 0)
        return false;
    unw_get_reg(&cursor, UNW_REG_IP, &to->pc);
    unw_get_reg(&cursor, UNW_REG_SP, &to->sp);
    unw_get_reg(&cursor, UNW_X86_64_RBP, &to->fp);
    return true;
}

static void compare(uintptr_t pc, bool is_interrupted) {
    struct ms_unwind_state from = {.pc = pc,
                                   .sp = (uintptr_t)&stack[SP_AT],
                                   .fp = (uintptr_t)&stack[FP_AT],
                                   .is_interrupted = is_interrupted};
    struct ms_stack_bounds bounds = {(uintptr_t)stack, sizeof stack};
    struct ms_unwind_state ours = from, again = from, theirs = from;
    bool keeps;
    enum ms_unwind_result result = ms_unwind_step(&cache, &ours, bounds, &keeps);
    ck_assert_int_eq(ms_unwind_step(&cache, &again, bounds, &keeps), result);
    ck_assert(again.pc == ours.pc && again.sp == ours.sp && again.fp == ours.fp);
    seen.steps++;
    seen.roots += result == MS_UNWIND_ROOT;
    seen.signals += result == MS_UNWIND_SIGNAL;
    bool they_know = their_step(&from, 64, &theirs);
    if (result == MS_UNWIND_LOST) {
        struct ms_unwind_state otherwise = from;
        seen.lost++;
        seen.theirs_alone += they_know && their_step(&from, 80, &otherwise) &&
                             theirs.pc == otherwise.pc && theirs.sp == otherwise.sp;
        return;
    }
    if (result == MS_UNWIND_ROOT)
        return;
    ck_assert_msg(they_know, "%lx: libunwind has no step", (long)pc);
    ck_assert_msg(ours.pc == theirs.pc && ours.sp == theirs.sp && ours.fp == theirs.fp,
                  "%lx%s: pc %lx sp %lx fp %lx, of libunwind %lx %lx %lx", (long)pc,
                  is_interrupted ? " interrupted" : "", (long)ours.pc, (long)ours.sp, (long)ours.fp,
                  (long)theirs.pc, (long)theirs.sp, (long)theirs.fp);
}

static void compare_function(uintptr_t start) {
    struct ms_fde fde;
    ck_assert_int_eq(ms_fde_find(start, &fde), MS_FDE_FOUND);
    ck_assert_uint_eq(fde.start, start);
    ck_assert_uint_eq(ms_unwind_function_start(start + 1), start);
    seen.functions++;
    compare(start, true);
    compare(fde.end, false);
    for (int i = 0; i < ADDRESSES; i++)
        compare(start + 1 + next_random() % (fde.end - start), false);
    compare(start + next_random() % (fde.end - start), true);
}

static int compare_module(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size, (void)argument;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_GNU_EH_FRAME)
            continue;
        const unsigned char *header =
            (const unsigned char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        const int32_t *words = (const void *)header;
        ck_assert_int_eq(header[3], 0x3b);
        for (int32_t j = 0; j < words[2]; j++)
            compare_function((uintptr_t)header + (uintptr_t)(intptr_t)words[3 + j * 2]);
    }
    return 0;
}

START_TEST(steps_from_anywhere_in_the_loaded_libraries_are_libunwinds) {
    // Its cache does not tell an interrupted pc from a return address.
    unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_NONE);
    for (size_t i = 0; i < WORDS; i++) // what is read leads up
        stack[i] = (uintptr_t)&stack[FP_AT + i * 7919 % (WORDS - FP_AT)];
    dl_iterate_phdr(compare_module, NULL);
    printf("%zu functions, %zu steps, %zu signals, %zu roots, %zu lost, %zu of these not by "
           "libunwind\n",
           seen.functions, seen.steps, seen.signals, seen.roots, seen.lost, seen.theirs_alone);
    ck_assert_uint_gt(seen.functions, 5000);
    ck_assert_uint_gt(seen.signals, 0);
    ck_assert_uint_gt(seen.roots, 0);
    ck_assert_uint_eq(seen.theirs_alone, 0);
    ck_assert_uint_lt(seen.lost, seen.steps / 1000);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("unwind");
    TCase *tests = tcase_create("rows");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, steps_from_anywhere_in_the_loaded_libraries_are_libunwinds);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
