// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An allocator that may be called anywhere, also in a handler that interrupted it: slots of 256 bytes
// taken by one atomic operation. It serves programs whose signal handlers allocate. Larger requests,
// which only libc and the dynamic linker make, are never reused.

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SLOT 256
#define WORDS 4096
#define LARGE ((size_t)64 << 20)

static _Atomic uint64_t taken[WORDS];
static _Alignas(SLOT) char slots[(size_t)WORDS * 64 * SLOT];
static _Alignas(SLOT) char large[LARGE];
static _Atomic size_t large_used, next_word;

static void *take_large(size_t size)
{
    size_t whole = (size + 2 * SLOT - 1) / SLOT * SLOT;
    size_t at = atomic_fetch_add(&large_used, whole);
    if (size > LARGE || at + whole > LARGE) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(large + at, &size, sizeof size);
    return large + at + SLOT / 2;
}

void *malloc(size_t size)
{
    if (size > SLOT)
        return take_large(size);
    for (size_t start = next_word, i = 0; i < WORDS; ++i) {
        size_t word = (start + i) % WORDS;
        uint64_t seen = taken[word];
        while (~seen != 0) {
            unsigned bit = (unsigned)__builtin_ctzll(~seen);
            if (!atomic_compare_exchange_weak(&taken[word], &seen, seen | 1ull << bit))
                continue;
            next_word = word;
            return slots + (word * 64 + bit) * SLOT;
        }
    }
    errno = ENOMEM;
    return NULL;
}

void free(void *ptr)
{
    size_t at = (size_t)((char *)ptr - slots);
    if (ptr != NULL && at < sizeof slots)
        atomic_fetch_and(&taken[at / SLOT / 64], ~(1ull << at / SLOT % 64));
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    void *ptr = __builtin_mul_overflow(count, size, &bytes) ? NULL : malloc(bytes);
    return ptr == NULL ? NULL : memset(ptr, 0, bytes);
}

void *realloc(void *ptr, size_t size)
{
    void *moved = malloc(size);
    if (ptr == NULL || moved == NULL)
        return moved;
    size_t old = SLOT;
    if ((size_t)((char *)ptr - slots) >= sizeof slots)
        memcpy(&old, (char *)ptr - SLOT / 2, sizeof old);
    memcpy(moved, ptr, old < size ? old : size);
    free(ptr);
    return moved;
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = alignment <= SLOT / 2 ? malloc(size) : NULL;
    return *out == NULL ? ENOMEM : 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return alignment <= SLOT / 2 ? malloc(size) : NULL;
}

void *memalign(size_t alignment, size_t size)
{
    return aligned_alloc(alignment, size);
}
