// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Frames of unusual make: sized at run time, aligned to more than a stack is, large, of varying
// arguments; left by a jump out of a callback of libc; whose last act is a call that never returns;
// on a stack that has run over, or that is larger than it could be when the program began.

#include "chain.h"

#include <alloca.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static volatile uintptr_t seen; // keeps what is pointed to

static NOINLINE void t_leaf(size_t size) {
    ENTERED;
    free(TELL(malloc(size), size));
}

static NOINLINE void t_sized(int left) {
    ENTERED;
    char *room = alloca((size_t)left * 137 % 1000 + 1);
    seen = (uintptr_t)room;
    memset(room, left, (size_t)left * 137 % 1000 + 1);
    t_leaf(10);
    if (left > 0)
        t_sized(left - 1);
    t_leaf((size_t)(unsigned char)room[0] % 2 + 11);
}

static NOINLINE void t_aligned(int left) {
    ENTERED;
    _Alignas(256) char room[300];
    char *more = alloca((size_t)left * 16 + 1);
    memset(room, left, sizeof room);
    seen = (uintptr_t)room + (uintptr_t)more;
    t_leaf(13);
    if (left > 0)
        t_aligned(left - 1);
    t_leaf((size_t)room[left] % 2 + 14);
}

static NOINLINE void t_large(int left) {
    ENTERED;
    char room[100000];
    seen = (uintptr_t)room;
    room[left] = 1;
    if (left > 0)
        t_large(left - 1);
    t_leaf(15 + (size_t)room[left]);
}

static NOINLINE void t_varying(int count, ...) {
    ENTERED;
    va_list list;
    va_start(list, count);
    for (int i = 0; i < count; i++)
        t_leaf((size_t)va_arg(list, double) + 17);
    va_end(list);
}

struct large {
    char bytes[4000];
};

static NOINLINE struct large t_by_value(struct large in) {
    ENTERED;
    t_leaf(18);
    in.bytes[7]++;
    return in;
}

// ---- jumps -------------------------------------------------------------------------------------

static jmp_buf back;

static int t_jumps(const void *a, const void *b) {
    ENTERED;
    t_leaf(20);
    if (*(const int *)a + *(const int *)b > 5)
        longjmp(back, 1);
    return *(const int *)a - *(const int *)b;
}

static NOINLINE void t_leaves_qsort(void) {
    ENTERED;
    int here = entered + 1, numbers[] = {3, 1, 2, 5, 4};
    if (setjmp(back) == 0)
        qsort(numbers, 5, sizeof *numbers, t_jumps);
    chain_leave(&here);
    t_leaf(21);
}

// ---- a stack that has run over -----------------------------------------------------------------

static sigjmp_buf out;

static NOINLINE void t_endless(int turn) {
    ENTERED;
    volatile char room[20000];
    seen = (uintptr_t)room;
    room[0] = (char)turn;
    if (turn > 0)
        t_endless(turn + room[0] % 2);
    room[1] = 1;
}

static void t_on_overflow(int number) {
    (void)chain_enter("__restore_rt"); // libc's, between a handler and what it interrupts
    ENTERED;
    (void)number;
    t_leaf(22);
    siglongjmp(out, 1);
}

static NOINLINE void t_runs_over(void) {
    ENTERED;
    static _Thread_local char stack[1 << 16];
    stack_t place = {.ss_sp = stack, .ss_size = sizeof stack}, none = {.ss_flags = SS_DISABLE};
    int here = entered + 1;
    sigaltstack(&place, NULL);
    if (sigsetjmp(out, 1) == 0)
        t_endless(1);
    chain_leave(&here);
    t_leaf(23);
    sigaltstack(&none, NULL);
}

static void *t_thread(void *unused) {
    ENTERED;
    t_runs_over();
    return unused;
}

static NOINLINE void t_both_run_over(void) {
    ENTERED;
    struct sigaction action = {.sa_handler = t_on_overflow, .sa_flags = SA_ONSTACK};
    pthread_t thread;
    sigaction(SIGSEGV, &action, NULL);
    t_runs_over();
    if (pthread_create(&thread, NULL, t_thread, NULL) != 0)
        abort();
    pthread_join(thread, NULL);
    t_runs_over();
}

// ---- a stack that may become larger than it was allowed to be at first -------------------------

static NOINLINE void t_huge(int left) {
    ENTERED;
    char room[1 << 20];
    seen = (uintptr_t)room;
    room[left] = 1;
    t_leaf(25);
    if (left > 0)
        t_huge(left - 1);
    t_leaf(25 + (size_t)room[left]);
}

static NOINLINE void t_raises_its_limit(void) {
    ENTERED;
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = 64u << 20;
    if (setrlimit(RLIMIT_STACK, &limit) == 0)
        t_huge(12);
}

// ---- the end -----------------------------------------------------------------------------------

__attribute__((noreturn)) static NOINLINE void t_never_returns(int code) {
    ENTERED;
    t_leaf(24);
    exit(code);
}

// Its return address is the next function's.
static NOINLINE void t_last_act(int code) {
    ENTERED;
    t_never_returns(code - code);
}

int main(int argc, char **argv) {
    ENTERED;
    struct large value = {{0}};
    (void)argv;
    for (int turn = 0; turn < 2; turn++) {
        t_sized(30);
        t_sized(90);
        t_aligned(20);
        t_large(10);
        t_varying(3, 1.0, 2.0, 3.0);
        value = t_by_value(value);
        t_leaves_qsort();
    }
    t_both_run_over();
    t_raises_its_limit();
    t_last_act(argc + value.bytes[7]);
    return 0;
}
