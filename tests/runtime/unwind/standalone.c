// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The unwinder against libgcc's, in programs without libunwind: linked statically, or for another
// CPU. Exits 1 where they differ.

#include "shapes.h"

#include "context/unwind.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unwind.h>

enum { MOST = 200 };

struct stack {
    int count;
    uintptr_t pcs[MOST], starts[MOST];
};

static int stacks;

static _Unwind_Reason_Code add(struct _Unwind_Context *context, void *argument) {
    struct stack *stack = argument;
    uintptr_t pc = _Unwind_GetIP(context);
    if (pc != 0 && stack->count < MOST) {
        stack->starts[stack->count] = _Unwind_GetRegionStart(context);
        stack->pcs[stack->count++] = pc;
    }
    return _URC_NO_REASON;
}

static void fail(const char *what, int frame, uintptr_t ours, uintptr_t theirs) {
    fprintf(stderr, "%s of frame %d: %lx, by libgcc %lx\n", what, frame, (long)ours, (long)theirs);
    exit(1);
}

__attribute__((noinline)) static void check(void) {
    struct ms_unwind_state state = {.is_interrupted = true};
    struct stack stack = {.count = 0};
    struct ms_stack_bounds bounds;
    enum ms_unwind_result result;
    pthread_attr_t attributes;
    bool keeps;
    int frame = 0;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, (void **)&bounds.low, &bounds.bytes);
    pthread_attr_destroy(&attributes);
    _Unwind_Backtrace(add, &stack); // begins with this function
#ifdef __x86_64__
    __asm__ volatile("lea 0(%%rip), %0\n mov %%rsp, %1\n mov %%rbp, %2"
                     : "=r"(state.pc), "=r"(state.sp), "=r"(state.fp));
#else
    __asm__ volatile("adr %0, .\n mov %1, sp\n mov %2, x29"
                     : "=r"(state.pc), "=r"(state.sp), "=r"(state.fp));
#endif
    while ((result = ms_unwind_step(NULL, &state, bounds, &keeps)) == MS_UNWIND_CALLER) {
        if (++frame >= stack.count || state.pc != stack.pcs[frame])
            fail("pc", frame, state.pc, frame < stack.count ? stack.pcs[frame] : 0);
        uintptr_t start = ms_unwind_function_start(state.pc);
        if (start != stack.starts[frame])
            fail("start", frame, start, stack.starts[frame]);
    }
    if (result != MS_UNWIND_ROOT || frame + 1 != stack.count)
        fail("result", frame, result, (uintptr_t)stack.count);
    stacks++;
}

static void *thread_body(void *argument) {
    (void)argument;
    shape_deep_no(50, check);
    return NULL;
}

int main(void) {
    pthread_t thread;
    shape_plain_fp(check), shape_plain_no(check);
    shape_many_arguments_fp(check), shape_many_arguments_no(check);
    shape_big_frame_fp(check), shape_big_frame_no(check);
    shape_alloca_fp(check), shape_alloca_no(check);
    shape_aligned_fp(check), shape_aligned_no(check);
    shape_aligned_alloca_fp(check), shape_aligned_alloca_no(check);
    shape_tail_fp(check), shape_tail_no(check);
    shape_cold_fp(check), shape_cold_no(check);
    shape_deep_fp(100, check);
    shape_callbacks_fp(check), shape_callbacks_no(check);
    if (pthread_create(&thread, NULL, thread_body, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    printf("%d stacks\n", stacks);
    return stacks > 50 ? 0 : 1;
}
