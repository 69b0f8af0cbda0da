// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "unwind_target.h"

#include "context/unwind_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 12, ENTRY = 8, MOST_ENTRIES = 24, STACK_WORDS = 64 };

static void promise(int kept, const char *what) {
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static void step(const struct ms_fde *fde, uintptr_t pc, const uintptr_t *stack) {
    struct ms_unwind_row row;
    if (!ms_row_at(fde, pc, &row))
        return;
    // The stack is a heap block of its own, so that reads outside are seen.
    struct ms_stack_bounds bounds = {(uintptr_t)stack, STACK_WORDS * sizeof *stack};
    for (size_t at = 0; at <= bounds.bytes; at += 168) {
        struct ms_unwind_state state = {
            .pc = pc, .sp = bounds.low + at, .fp = bounds.low + bounds.bytes - at};
        struct ms_unwind_state before = state;
        enum ms_unwind_result result = ms_row_step(&row, fde->is_signal_frame, &state, bounds);
        bool has_moved = state.pc != before.pc || state.sp != before.sp || state.fp != before.fp;
        promise(!has_moved || result == MS_UNWIND_CALLER || result == MS_UNWIND_SIGNAL,
                "a state that is kept where there is no caller");
        promise(result != MS_UNWIND_CALLER || state.sp > before.sp, "callers are above");
        promise((result == MS_UNWIND_SIGNAL) <= fde->is_signal_frame, "signal frames are marked");
    }
}

static bool look_up(const struct ms_tables *tables, uintptr_t pc, const uintptr_t *stack) {
    struct ms_fde fde;
    if (!ms_fde_find_in(tables, pc, &fde))
        return false;
    promise(fde.start <= pc && pc < fde.end, "an FDE covers what it was found for");
    promise(fde.program.at >= tables->low && fde.program.end <= tables->high,
            "programs lie inside the tables");
    step(&fde, pc, stack);
    step(&fde, fde.start, stack);
    step(&fde, fde.end - 1, stack);
    return true;
}

size_t unwind_target(const uint8_t *bytes, size_t byte_count) {
    uintptr_t *stack = malloc(STACK_WORDS * sizeof *stack);
    struct ms_tables tables = {
        .low = (uintptr_t)bytes, .high = (uintptr_t)bytes + byte_count, .header = (uintptr_t)bytes};
    size_t found = 0;
    if (!stack)
        abort();
    for (size_t i = 0; i < STACK_WORDS; i++)
        stack[i] = (uintptr_t)&stack[i * 37 % STACK_WORDS];
    for (size_t i = 0; i < MOST_ENTRIES && HEADER + (i + 1) * ENTRY <= byte_count; i++) {
        int32_t start;
        memcpy(&start, bytes + HEADER + i * ENTRY, sizeof start);
        for (unsigned offset = 0; offset < 64; offset = offset * 3 + 1)
            found += look_up(&tables, tables.header + (uintptr_t)(intptr_t)start + offset, stack);
    }
    look_up(&tables, tables.header, stack);
    free(stack);
    return found;
}
