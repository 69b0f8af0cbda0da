// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands in front of libc's makecontext, whose arguments vary in number: it saves them, has
// the maker noted (entry/fibers.c), and goes on at libc's. Only where that is found behind ours: in
// a program whose libc is shared.

#include "platform.h"

#if defined(MEMSCOPE_STATIC_RUNTIME) || defined(MEMSCOPE_NO_INTERPOSE)
#elif defined(__x86_64__)

__asm__(".text\n"
        ".globl makecontext\n"
        ".type makecontext,@function\n"
        ".globl ms_own_makecontext\n"
        ".hidden ms_own_makecontext\n"
        ".type ms_own_makecontext,@function\n"
        "makecontext:\n"
        "ms_own_makecontext:\n"
        "    .cfi_startproc\n"
        "    sub $56, %rsp\n"
        "    .cfi_adjust_cfa_offset 56\n"
        "    mov %rdi, (%rsp)\n"
        "    mov %rsi, 8(%rsp)\n"
        "    mov %rdx, 16(%rsp)\n"
        "    mov %rcx, 24(%rsp)\n"
        "    mov %r8, 32(%rsp)\n"
        "    mov %r9, 40(%rsp)\n"
        "    mov %rax, 48(%rsp)\n"
        "    mov 56(%rsp), %rsi\n"
        "    call ms_ucontext_making\n"
        "    mov %rax, %r11\n"
        "    mov (%rsp), %rdi\n"
        "    mov 8(%rsp), %rsi\n"
        "    mov 16(%rsp), %rdx\n"
        "    mov 24(%rsp), %rcx\n"
        "    mov 32(%rsp), %r8\n"
        "    mov 40(%rsp), %r9\n"
        "    mov 48(%rsp), %rax\n"
        "    add $56, %rsp\n"
        "    .cfi_adjust_cfa_offset -56\n"
        "    jmp *%r11\n"
        "    .cfi_endproc\n"
        ".size makecontext,.-makecontext\n"
        ".size ms_own_makecontext,.-ms_own_makecontext\n");

#else

__asm__(".text\n"
        ".globl makecontext\n"
        ".type makecontext,%function\n"
        ".globl ms_own_makecontext\n"
        ".hidden ms_own_makecontext\n"
        ".type ms_own_makecontext,%function\n"
        "makecontext:\n"
        "ms_own_makecontext:\n"
        "    .cfi_startproc\n"
        "    stp x29, x30, [sp, #-80]!\n"
        "    .cfi_def_cfa_offset 80\n"
        "    .cfi_offset x29, -80\n"
        "    .cfi_offset x30, -72\n"
        "    stp x0, x1, [sp, #16]\n"
        "    stp x2, x3, [sp, #32]\n"
        "    stp x4, x5, [sp, #48]\n"
        "    stp x6, x7, [sp, #64]\n"
        "    mov x1, x30\n"
        "    bl ms_ucontext_making\n"
        "    mov x16, x0\n"
        "    ldp x0, x1, [sp, #16]\n"
        "    ldp x2, x3, [sp, #32]\n"
        "    ldp x4, x5, [sp, #48]\n"
        "    ldp x6, x7, [sp, #64]\n"
        "    ldp x29, x30, [sp], #80\n"
        "    .cfi_restore x30\n"
        "    .cfi_restore x29\n"
        "    .cfi_def_cfa_offset 0\n"
        "    br x16\n"
        "    .cfi_endproc\n"
        ".size makecontext,.-makecontext\n"
        ".size ms_own_makecontext,.-ms_own_makecontext\n");

#endif
