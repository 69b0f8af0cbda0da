// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fibers of ucontext: their stacks from malloc, from mmap and from a local array; nested, and
// recursive. A fiber's chain begins with its function, below which stands who made it.

#include "chain.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { STACK = 1 << 16 };

struct fiber {
    ucontext_t context, back;
    struct chain chain;
    struct chain *chain_before;
};

static struct fiber *running;

static NOINLINE void t_recurse(int left);

static void switch_to(struct fiber *fiber) {
    struct fiber *before = running;
    running = fiber;
    fiber->chain_before = chain_switch(&fiber->chain);
    swapcontext(&fiber->back, &fiber->context);
    chain_switch(fiber->chain_before);
    running = before;
}

static NOINLINE void pause_here(void) {
    struct fiber *fiber = running;
    swapcontext(&fiber->context, &fiber->back);
}

static NOINLINE void t_leaf(size_t size) {
    ENTERED;
    free(TELL(malloc(size), size));
}

static NOINLINE void t_recurse(int left) {
    ENTERED;
    t_leaf(10);
    if (left > 0)
        t_recurse(left - 1);
    else
        pause_here();
    t_leaf(11);
}

static void t_fiber(void) {
    ENTERED;
    t_leaf(12);
    t_recurse(3);
    pause_here();
    t_recurse(1);
    pause_here();
}

static void t_deep_fiber(void) {
    ENTERED;
    t_recurse(90);
    pause_here();
    pause_here();
}

static ucontext_t *prepare(struct fiber *fiber, void *stack, const char *maker) {
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = &fiber->back;
    fiber->chain.names[0] = maker;
    fiber->chain.count = 1;
    return &fiber->context;
}

// Two places that make them: of the same function from each it is another stack.
static NOINLINE struct fiber *t_make(struct fiber *fiber, void *stack, void (*function)(void)) {
    makecontext(prepare(fiber, stack, "spawn t_make"), function, 0);
    __asm__ volatile(""); // not its last act
    return fiber;
}

static NOINLINE struct fiber *t_make_more(struct fiber *fiber, void *stack,
                                          void (*function)(void)) {
    makecontext(prepare(fiber, stack, "spawn t_make_more"), function, 0);
    __asm__ volatile("");
    return fiber;
}

static struct fiber fibers[6];

// One that runs another.
static void t_outer_fiber(void) {
    ENTERED;
    struct fiber *other = t_make_more(&fibers[5], TELL(malloc(STACK), STACK), t_fiber);
    t_leaf(13);
    for (int turn = 0; turn < 3; turn++) {
        switch_to(other);
        t_leaf(14);
        pause_here();
    }
}

static NOINLINE void t_run_all(int count) {
    ENTERED;
    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < count; i++) {
            switch_to(&fibers[i]);
            t_leaf(15);
        }
}

static NOINLINE void t_local(void) {
    ENTERED;
    char stack[STACK];
    t_make_more(&fibers[4], stack, t_fiber);
    t_run_all(5);
}

int main(void) {
    ENTERED;
    void *mapped = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    t_make(&fibers[0], TELL(malloc(STACK), STACK), t_fiber);
    t_make(&fibers[1], mapped, t_fiber);
    t_make(&fibers[2], TELL(malloc(STACK), STACK), t_deep_fiber);
    t_make(&fibers[3], TELL(malloc(STACK), STACK), t_outer_fiber);
    t_local();
    return 0;
}
