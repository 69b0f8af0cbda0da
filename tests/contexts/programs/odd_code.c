// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code and stacks that nobody told of: code made at run time, with and without frame pointers; a
// stack that the program switches to by itself; a raw clone; a signal handler that interrupts the
// vdso; a frame pointer that holds an address near a stack's end. What can be known is exact, and
// where it ends is told.

#include "chain.h"

#include <elf.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

static NOINLINE void t_leaf(size_t size) {
    ENTERED;
    free(TELL(malloc(size), size));
}

static NOINLINE void t_lost_leaf(const char *flags) {
    ENTERED;
    free(chain_tell(malloc(52), 52, flags));
}

// What is told of a stack that nobody can follow further out than to `name`; NULL = the leaf.
static inline __attribute__((always_inline)) void tell_lost(const char *name, const char *flags) {
    static struct chain lost;
    lost.count = 0;
    struct chain *before = chain_switch(&lost);
    if (name)
        chain_enter(name);
    t_lost_leaf(flags);
    chain_switch(before);
}

// ---- code made at run time ---------------------------------------------------------------------

static void (*make_code(const unsigned char *bytes, size_t count))(void (*)(void)) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void (*code)(void (*)(void));
    if (page == MAP_FAILED)
        abort();
    memcpy(page, bytes, count);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    memcpy(&code, &page, sizeof code);
    return code;
}

// Nothing tells that it keeps a frame pointer.
static void t_called_by_framed(void) {
    tell_lost("t_called_by_framed", "broken");
    __asm__ volatile("");
}

static NOINLINE void t_through_framed_code(void) {
    ENTERED;
    // push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret
    static const unsigned char bytes[] = {0x55, 0x48, 0x89, 0xE5, 0xFF, 0xD7, 0x5D, 0xC3};
    make_code(bytes, sizeof bytes)(t_called_by_framed);
    t_leaf(50);
}

static void t_called_by_bare(void) {
    tell_lost("t_called_by_bare", "broken");
    __asm__ volatile("");
}

static NOINLINE void t_through_bare_code(void) {
    ENTERED;
    // sub $8,%rsp; call *%rdi; add $8,%rsp; ret
    static const unsigned char bytes[] = {0x48, 0x83, 0xEC, 0x08, 0xFF, 0xD7,
                                          0x48, 0x83, 0xC4, 0x08, 0xC3};
    make_code(bytes, sizeof bytes)(t_called_by_bare);
    t_leaf(51);
}

// The same a long way from where the stack begins.
static NOINLINE void t_deep(void) {
    ENTERED;
    volatile char room[4096];
    room[0] = 0;
    t_through_framed_code();
    t_through_bare_code();
    room[1] = room[0];
}

// ---- stacks that nobody told of ----------------------------------------------------------------

static char own_stack[1 << 16] __attribute__((aligned(16)));

static void t_on_own_stack(void) {
    tell_lost(NULL, "foreign");
    __asm__ volatile("");
}

static NOINLINE void t_switches(void) {
    ENTERED;
    __asm__ volatile("mov %%rsp, %%rbx\n mov %0, %%rsp\n call *%1\n mov %%rbx, %%rsp"
                     :
                     : "r"(own_stack + sizeof own_stack), "r"(t_on_own_stack)
                     : "rbx", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",
                       "cc");
    t_leaf(53);
}

static int t_cloned(void *unused) {
    (void)unused;
    tell_lost(NULL, "foreign");
    return 0;
}

// As vfork, on a stack of its own: the thread waits meanwhile.
static NOINLINE void t_clones(void) {
    ENTERED;
    int status;
    pid_t child =
        clone(t_cloned, own_stack + sizeof own_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        abort();
    t_leaf(54);
}

// ---- the end of a stack ------------------------------------------------------------------------

// Calls with its second argument as frame pointer, as code without frame pointers may.
void call_with(void (*function)(void), uintptr_t frame_pointer);
__asm__(".text\n"
        ".globl call_with\n"
        ".type call_with, @function\n"
        "call_with:\n"
        ".cfi_startproc\n"
        "push %rbp\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset %rbp, -16\n"
        "mov %rsi, %rbp\n"
        "call *%rdi\n"
        "pop %rbp\n"
        ".cfi_def_cfa_offset 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size call_with, . - call_with\n");

enum { EDGE_STACK = 1 << 16 };
static ucontext_t edge, outside;
static char *edge_high;

static void t_called_on_edge(void) {
    ENTERED;
    t_leaf(56);
}

static void t_on_edge(void) {
    ENTERED;
    for (unsigned distance = 0; distance < 40; distance++)
        call_with(t_called_on_edge, (uintptr_t)edge_high - distance);
}

// Behind the stack of the fiber nothing can be read.
static NOINLINE void t_stack_with_an_edge(void) {
    ENTERED;
    struct chain chain = {.count = 0};
    char *low = mmap(NULL, 2 * EDGE_STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (low == MAP_FAILED || mprotect(low, EDGE_STACK, PROT_READ | PROT_WRITE) != 0)
        abort();
    edge_high = low + EDGE_STACK;
    getcontext(&edge);
    edge.uc_stack.ss_sp = low;
    edge.uc_stack.ss_size = EDGE_STACK;
    edge.uc_link = &outside;
    makecontext(&edge, t_on_edge, 0);
    struct chain *before = chain_switch(&chain);
    swapcontext(&outside, &edge);
    chain_switch(before);
}

// ---- the vdso ----------------------------------------------------------------------------------

static uintptr_t vdso_low, vdso_high;
static volatile sig_atomic_t caught;

static void find_vdso(void) {
    const ElfW(Ehdr) *elf = (const void *)getauxval(AT_SYSINFO_EHDR);
    if (!elf)
        return;
    const ElfW(Phdr) *segment = (const void *)((const char *)elf + elf->e_phoff);
    for (int i = 0; i < elf->e_phnum; i++)
        if (segment[i].p_type == PT_LOAD) {
            vdso_low = (uintptr_t)elf;
            vdso_high = vdso_low + segment[i].p_vaddr + segment[i].p_memsz;
        }
}

static void t_on_alarm(int number, siginfo_t *info, void *context) {
    const ucontext_t *at = context;
    uintptr_t pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
    (void)number;
    (void)info;
    if (caught || pc < vdso_low || pc >= vdso_high)
        return;
    ENTERED;
    free(TELL(malloc(55), 55));
    caught = 1;
}

static NOINLINE void t_asks_the_time(void) {
    ENTERED;
    struct timespec now;
    for (long i = 0; !caught && i < 300000000; i++)
        clock_gettime(CLOCK_MONOTONIC, &now);
}

static NOINLINE void t_interrupts_the_vdso(void) {
    ENTERED;
    struct sigaction action = {.sa_sigaction = t_on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    find_vdso();
    if (vdso_high == 0)
        return;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    t_asks_the_time();
    setitimer(ITIMER_REAL, &never, NULL);
}

int main(void) {
    ENTERED;
    t_through_framed_code();
    t_through_bare_code();
    t_deep();
    t_switches();
    t_clones();
    t_stack_with_an_edge();
    t_interrupts_the_vdso();
    return 0;
}
