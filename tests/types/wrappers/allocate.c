// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The unit of the wrappers.

#include "allocate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *(*volatile hook)(size_t) = checked;
static void *volatile kept;

void *checked(size_t bytes) {
    void *block = malloc(bytes);
    if (!block)
        abort();
    return block;
}

void *cleared(size_t count, size_t bytes) {
    return calloc(count, bytes);
}

void *grown(void *old, size_t bytes) {
    void *block = realloc(old, bytes);
    if (!block && bytes > 0)
        abort();
    return block;
}

char *copied(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = checked(bytes);
    memcpy(copy, text, bytes);
    return copy;
}

char *formatted(const char *format, ...) {
    va_list arguments;
    char *text;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text;
}

void *twice_wrapped(int bytes) {
    return bytes > 0 ? checked((size_t)bytes) : NULL;
}

void *with_header(size_t bytes) {
    char *block = checked(bytes + 16);
    memcpy(block, &bytes, sizeof bytes);
    return block + 16;
}

// As Redis has one: for what compilers take for the size of the block.
__attribute__((alloc_size(2), noinline)) static void *extended(void *block, size_t bytes) {
    (void)bytes;
    return block;
}

void *with_capacity(size_t bytes, size_t *capacity_out) {
    void *block = malloc(bytes);
    *capacity_out = bytes;
    return block ? extended(block, bytes) : NULL;
}

int into(void **out, size_t bytes) {
    void *block = malloc(bytes);
    *out = block;
    return block ? 0 : -1;
}

void *by_hook(size_t bytes) {
    return hook(bytes);
}

double *numbers(int count) {
    return malloc((size_t)count * sizeof(double));
}

void *listed(const struct request *request) {
    return malloc(request->bytes);
}

void *marked(size_t bytes) {
    return malloc(bytes);
}

void keep(void *block) {
    kept = block;
}
