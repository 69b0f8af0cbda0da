// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What glibc's makecontext and swapcontext leave in a ucontext_t, and the thunk that a made
// context's function returns to.

#include "platform.h"

#include <ucontext.h>

#define MAKER_MARK 0x6d73636f70656d6bull // what getcontext has left there is no maker

// After makecontext (glibc, sysdeps/unix/sysv/linux/*/makecontext.c): on x86-64 the stack pointer
// is at the return address; on aarch64 the link register holds it.
#if defined(__x86_64__)

uintptr_t ms_context_stack_pointer(const ucontext_t *context) {
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

const void *ms_context_entry(const ucontext_t *context) {
    return (const void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

void **ms_context_return_place(ucontext_t *context) {
    return (void **)(uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

// At the place of a return address: the stack is aligned to 16 bytes here, callee-saved registers
// are what libc's own function expects. Unwinders look before a return address, where the nop is.
__asm__(".text\n"
        ".cfi_startproc\n"
        ".cfi_undefined rip\n"
        "    nop\n"
        ".globl ms_context_return_thunk\n"
        ".hidden ms_context_return_thunk\n"
        ".type ms_context_return_thunk,@function\n"
        "ms_context_return_thunk:\n"
        "    push %rbp\n"
        "    mov %rsp, %rbp\n"
        "    and $-16, %rsp\n"
        "    call ms_ucontext_returned\n"
        "    call ms_ucontext_real_return\n"
        "    mov %rbp, %rsp\n"
        "    pop %rbp\n"
        "    jmp *%rax\n"
        ".cfi_endproc\n"
        ".size ms_context_return_thunk,.-ms_context_return_thunk\n");

// Callee-saved registers that makecontext leaves as they are.
void ms_context_note_maker(ucontext_t *context, const void *return_address) {
    context->uc_mcontext.gregs[REG_R12] = (greg_t)(uintptr_t)return_address;
    context->uc_mcontext.gregs[REG_R13] = (greg_t)((uintptr_t)return_address ^ MAKER_MARK);
}

const void *ms_context_maker(const ucontext_t *context) {
    uintptr_t maker = (uintptr_t)context->uc_mcontext.gregs[REG_R12];
    bool is_noted = (uintptr_t)context->uc_mcontext.gregs[REG_R13] == (maker ^ MAKER_MARK);
    return is_noted ? (const void *)maker : NULL; // NOLINT(performance-no-int-to-ptr)
}

#else

uintptr_t ms_context_stack_pointer(const ucontext_t *context) {
    return (uintptr_t)context->uc_mcontext.sp;
}

const void *ms_context_entry(const ucontext_t *context) {
    return (const void *)(uintptr_t)context->uc_mcontext.pc;
}

void **ms_context_return_place(ucontext_t *context) {
    return (void **)&context->uc_mcontext.regs[30];
}

// Callee-saved registers that makecontext leaves as they are.
void ms_context_note_maker(ucontext_t *context, const void *return_address) {
    context->uc_mcontext.regs[27] = (uintptr_t)return_address;
    context->uc_mcontext.regs[28] = (uintptr_t)return_address ^ MAKER_MARK;
}

const void *ms_context_maker(const ucontext_t *context) {
    uintptr_t maker = (uintptr_t)context->uc_mcontext.regs[27];
    bool is_noted = context->uc_mcontext.regs[28] == (maker ^ MAKER_MARK);
    return is_noted ? (const void *)maker : NULL; // NOLINT(performance-no-int-to-ptr)
}

// x19 holds uc_link for libc's function; it is callee-saved. Unwinders look before a return
// address, where the nop is.
__asm__(".text\n"
        ".cfi_startproc\n"
        ".cfi_undefined x30\n"
        "    nop\n"
        ".globl ms_context_return_thunk\n"
        ".hidden ms_context_return_thunk\n"
        ".type ms_context_return_thunk,%function\n"
        "ms_context_return_thunk:\n"
        "    bl ms_ucontext_returned\n"
        "    bl ms_ucontext_real_return\n"
        "    br x0\n"
        ".cfi_endproc\n"
        ".size ms_context_return_thunk,.-ms_context_return_thunk\n");

#endif
