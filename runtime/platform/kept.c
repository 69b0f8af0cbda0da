// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hooks that change no register (abi.h): LLVM's preserve_most, whose callee saves the integer
// registers that a C function need not. Vectors are the caller's business.

#include "platform.h"

#include <memscope/abi.h>

#if defined(__x86_64__)

// On entry the stack is 8 bytes off a multiple of 16.
#define KEPT(hook)                                                                                 \
    __asm__(".text\n"                                                                              \
            ".globl " hook MEMSCOPE_INLINE_KEPT "\n"                                               \
            ".hidden " hook MEMSCOPE_INLINE_KEPT "\n"                                              \
            ".type " hook MEMSCOPE_INLINE_KEPT ",@function\n" hook MEMSCOPE_INLINE_KEPT ":\n"      \
            "    .cfi_startproc\n"                                                                 \
            "    sub $72, %rsp\n"                                                                  \
            "    .cfi_adjust_cfa_offset 72\n"                                                      \
            "    mov %rax, (%rsp)\n"                                                               \
            "    mov %rcx, 8(%rsp)\n"                                                              \
            "    mov %rdx, 16(%rsp)\n"                                                             \
            "    mov %rsi, 24(%rsp)\n"                                                             \
            "    mov %rdi, 32(%rsp)\n"                                                             \
            "    mov %r8, 40(%rsp)\n"                                                              \
            "    mov %r9, 48(%rsp)\n"                                                              \
            "    mov %r10, 56(%rsp)\n"                                                             \
            "    mov %r11, 64(%rsp)\n"                                                             \
            "    call " hook "@PLT\n"                                                              \
            "    mov (%rsp), %rax\n"                                                               \
            "    mov 8(%rsp), %rcx\n"                                                              \
            "    mov 16(%rsp), %rdx\n"                                                             \
            "    mov 24(%rsp), %rsi\n"                                                             \
            "    mov 32(%rsp), %rdi\n"                                                             \
            "    mov 40(%rsp), %r8\n"                                                              \
            "    mov 48(%rsp), %r9\n"                                                              \
            "    mov 56(%rsp), %r10\n"                                                             \
            "    mov 64(%rsp), %r11\n"                                                             \
            "    add $72, %rsp\n"                                                                  \
            "    .cfi_adjust_cfa_offset -72\n"                                                     \
            "    ret\n"                                                                            \
            "    .cfi_endproc\n"                                                                   \
            ".size " hook MEMSCOPE_INLINE_KEPT ",.-" hook MEMSCOPE_INLINE_KEPT "\n")

KEPT("__memscope_coro_resume");
KEPT("__memscope_coro_suspend");
KEPT("__memscope_coro_pop");

#endif
