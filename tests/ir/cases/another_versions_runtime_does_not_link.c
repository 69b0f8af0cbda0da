// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In linked mode the reference to the version symbol is strong; --gc-sections keeps it.
//
// RUN: %clang -I%S/../../../include -DMOCK_WITHOUT_ABI -c %S/mock.c -o %t.old.o
// RUN: %cc %linked -O2 -g -c %s -o %t.o && %not %clang -Wl,--gc-sections %t.o %t.old.o -o %t 2> %t.err
// RUN: grep "undefined.*__memscope_abi_5_else_rebuild_with_this_memscope" %t.err
// RUN: %not %clang %lld -Wl,--gc-sections %t.o %t.old.o -o %t 2> %t.err
// RUN: grep "undefined.*__memscope_abi_5_else_rebuild_with_this_memscope" %t.err
// RUN: %clang %t.o %mock -o %t && %t

#include <stdlib.h>
void *volatile p;
int main(void) {
    p = malloc(1);
    return 0;
}
