// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Handlers that allocate: on the stack that they interrupt, on one of their own, nested, and one
// that is left by a jump after a fault in the midst of a function.

#include "chain.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>

static sigjmp_buf back;

static void t_on_usr(int signal) {
    ENTERED;
    (void)signal;
    free(TELL(malloc(30), 30));
}

static NOINLINE void t_raise(int signal) {
    ENTERED;
    raise(signal);
    free(TELL(malloc(31), 31));
}

static void t_on_usr_more(int signal) {
    ENTERED;
    (void)signal;
    free(TELL(malloc(32), 32));
    t_raise(SIGUSR1);
}

static void t_on_fault(int signal) {
    ENTERED;
    (void)signal;
    free(TELL(malloc(33), 33));
    siglongjmp(back, 1);
}

static NOINLINE int t_fault(int *where, int left) {
    ENTERED;
    if (left > 0)
        return t_fault(where, left - 1) + 1;
    free(TELL(malloc(34), 34));
    return *(volatile int *)where;
}

static NOINLINE void t_recover(int depth) {
    ENTERED;
    int here = entered;
    if (sigsetjmp(back, 1) == 0) {
        t_fault(NULL, depth);
    } else {
        int after = here + 1;
        chain_leave(&after); // of what the jump has left
        free(TELL(malloc(35), 35));
    }
}

static void handle(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(signal, &action, NULL);
}

static NOINLINE void t_all(int flags) {
    ENTERED;
    handle(SIGUSR1, t_on_usr, flags);
    handle(SIGUSR2, t_on_usr_more, flags);
    handle(SIGSEGV, t_on_fault, flags);
    for (int turn = 0; turn < 3; turn++) {
        t_raise(SIGUSR1);
        t_raise(SIGUSR2);
        t_recover(0);
        t_recover(3);
    }
}

static NOINLINE void t_own_stack(void) {
    ENTERED;
    t_all(SA_ONSTACK);
}

int main(void) {
    ENTERED;
    static char stack[1 << 16];
    stack_t place = {.ss_sp = stack, .ss_size = sizeof stack};
    t_all(0);
    sigaltstack(&place, NULL);
    t_own_stack();
    return 0;
}
