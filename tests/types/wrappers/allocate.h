// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Wrappers as programs have them: of another unit, and inline.

#ifndef MS_TESTS_WRAPPERS_ALLOCATE_H
#define MS_TESTS_WRAPPERS_ALLOCATE_H

#include <stdlib.h>

struct request {
    size_t bytes;
};

void *checked(size_t bytes);
void *cleared(size_t count, size_t bytes);
void *grown(void *old, size_t bytes);
char *copied(const char *text);
char *formatted(const char *format, ...);
void *twice_wrapped(int bytes);
void *with_header(size_t bytes); // 16 bytes more, its size before the address
void *with_capacity(size_t bytes, size_t *capacity_out);
int into(void **out, size_t bytes);
void *by_hook(size_t bytes);
double *numbers(int count);
void *listed(const struct request *request); // only told by -memscope-wrapper
__attribute__((malloc, alloc_size(1))) void *marked(size_t bytes);
void keep(void *block);

static inline void *inline_checked(size_t bytes) {
    void *block = malloc(bytes);
    if (!block)
        abort();
    return block;
}

#endif
