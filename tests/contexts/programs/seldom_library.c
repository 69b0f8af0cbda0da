// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of seldom.c: a library that nobody instruments, with frame pointers. Its name is that of a free.

#include <stddef.h>

void calls_back_free(void (*function)(size_t), size_t size);

void calls_back_free(void (*function)(size_t), size_t size) {
    function(size);
    function(size * 2); // the first one is no tail call
    __asm__ volatile("");
}
