// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#define UNW_LOCAL_ONLY
#include "stacks.h"

#include "context/unwind.h"

#include <check.h>
#include <errno.h>
#include <libunwind.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct frame {
    uintptr_t pc, sp, fp;
};

struct stack {
    size_t count, signals, keeping;
    enum ms_unwind_result end;
    struct frame frames[STACK_MOST];
};

struct stack_claims stack_claims;
struct stack_seen stack_seen;

static struct ms_stack_bounds own_stack(void) {
    pthread_attr_t attributes;
    void *low;
    size_t bytes;
    ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attributes), 0);
    pthread_attr_getstack(&attributes, &low, &bytes);
    pthread_attr_destroy(&attributes);
    return (struct ms_stack_bounds){.low = (uintptr_t)low, .bytes = bytes};
}

static struct ms_stack_bounds bounds_of(uintptr_t sp, struct ms_stack_bounds own) {
    for (int i = 0; stack_claims.more_stacks[i][1] != 0; i++)
        if (sp - stack_claims.more_stacks[i][0] < stack_claims.more_stacks[i][1])
            return (struct ms_stack_bounds){.low = stack_claims.more_stacks[i][0],
                                            .bytes = stack_claims.more_stacks[i][1]};
    return own;
}

static void take(struct ms_unwind_cache *cache, struct ms_unwind_state state,
                 struct ms_stack_bounds own, struct stack *stack) {
    stack->count = stack->signals = stack->keeping = 0;
    while (stack->count < STACK_MOST) {
        struct ms_unwind_state before = state;
        bool keeps;
        errno = 4711;
        stack->end = ms_unwind_step(cache, &state, bounds_of(state.sp, own), &keeps);
        ck_assert_int_eq(errno, 4711);
        if (stack->end != MS_UNWIND_CALLER && stack->end != MS_UNWIND_SIGNAL)
            return;
        ck_assert(state.is_interrupted == (stack->end == MS_UNWIND_SIGNAL));
        if (keeps) {
            const uintptr_t *frame = (const uintptr_t *)before.fp;
            ck_assert_uint_eq(frame[0], state.fp);
            ck_assert_uint_eq(frame[1], state.pc);
            ck_assert_uint_eq(before.fp + 16, state.sp);
        }
        stack->keeping += keeps;
        stack->signals += stack->end == MS_UNWIND_SIGNAL;
        stack->frames[stack->count++] =
            (struct frame){.pc = state.pc, .sp = state.sp, .fp = state.fp};
    }
}

static void expect_equal(const struct stack *one, const struct stack *other) {
    ck_assert_uint_eq(one->count, other->count);
    ck_assert_int_eq(one->end, other->end);
    ck_assert_uint_eq(one->keeping, other->keeping);
    ck_assert_mem_eq(one->frames, other->frames, one->count * sizeof *one->frames);
}

static void compare_with_libunwind(unw_context_t *context, const struct stack *stack) {
    unw_cursor_t cursor;
    ck_assert_int_eq(unw_init_local(&cursor, context), 0);
    size_t i = 0;
    for (int more; (more = unw_step(&cursor)) != 0; i++) {
        unw_word_t pc, sp, fp;
        ck_assert_int_gt(more, 0);
        unw_get_reg(&cursor, UNW_REG_IP, &pc);
        unw_get_reg(&cursor, UNW_REG_SP, &sp);
        unw_get_reg(&cursor, UNW_X86_64_RBP, &fp);
        if (pc == 0 || (i == stack->count && stack_claims.ends_before_libunwind))
            break;
        ck_assert_msg(i < stack->count, "libunwind's frame %zu, pc %lx, is not ours", i, (long)pc);
        const struct frame *frame = &stack->frames[i];
        ck_assert_msg(frame->pc == pc && frame->sp == sp && frame->fp == fp,
                      "frame %zu: pc %lx sp %lx fp %lx, of libunwind %lx %lx %lx", i,
                      (long)frame->pc, (long)frame->sp, (long)frame->fp, (long)pc, (long)sp,
                      (long)fp);
    }
    ck_assert_uint_eq(i, stack->count);
}

__attribute__((noinline)) void stack_check(void) {
    static _Thread_local struct stack *cold, *warm;
    static _Thread_local struct ms_unwind_cache *cache;
    struct ms_unwind_state state = {.is_interrupted = true};
    unw_context_t context;
    __asm__ volatile("lea 0(%%rip), %0\n mov %%rsp, %1\n mov %%rbp, %2"
                     : "=r"(state.pc), "=r"(state.sp), "=r"(state.fp));
    unw_getcontext(&context);
    if (!cache) { // a signal handler uses those of the thread
        cold = malloc(sizeof *cold);
        warm = malloc(sizeof *warm);
        cache = calloc(1, sizeof *cache);
    }
    struct ms_stack_bounds own = own_stack();
    take(NULL, state, own, cold);
    for (int i = 0; i < 2; i++) {
        take(cache, state, own, warm);
        expect_equal(warm, cold);
    }
    ck_assert_int_eq(cold->end, MS_UNWIND_ROOT);
    compare_with_libunwind(&context, cold);
    ck_assert_uint_eq(cold->signals, stack_claims.signals);
    stack_seen.stacks++;
    stack_seen.frames += cold->count;
    stack_seen.signals += cold->signals;
    stack_seen.keeping_frame_pointer += cold->keeping;
    if (cold->count > stack_seen.most_frames)
        stack_seen.most_frames = cold->count;
}
