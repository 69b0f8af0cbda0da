// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// floor ROUNDS PAIRS: the malloc loop (malloc_loop.c) with hooks that do less than MemScope's, step
// by step more: what the least costs that any exact profiler of this design has to do. Nothing of
// MemScope is in it. Prints a line for each step of each round: {"step", "ns"}, ns a pair.

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ALIVE = 64, LEAVES = 1 << 21, LEAF_BYTES = 16 << 20, LOW_BITS = 26 };

struct cell {
    uint64_t allocations, bytes, frees, freed_bytes, temporary;
    int64_t headroom;
};

static uint64_t *leaves[LEAVES]; // of records: 8 bytes for 32 of heap
static struct cell cells[8];
// Not static, or the compiler sees that nobody writes them, and leaves out what looks at them.
extern _Thread_local uint64_t special, mask;
_Thread_local uint64_t special, mask;
static _Thread_local void *last_block;
static _Thread_local int64_t credit = INT64_MAX;
static _Thread_local struct {
    uint64_t key;
    struct cell *cell;
} table[1]; // whose mask is 0

static void *(*volatile real_malloc)(size_t) = malloc;
static void (*volatile real_free)(void *) = free;

#define ALWAYS __attribute__((always_inline)) static inline
#define NEVER __attribute__((noinline)) static
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

static const char *const steps[] = {
    "plain",
    "a hook between",
    "may this thread count now?",
    "the block's record, in a shadow of the heap",
    "calls and bytes of one place",
    "temporary blocks",
    "the process's peak",
    "the place's own peak",
    "which place: a hash of it and of the caller, looked up",
};
enum { STEPS = sizeof steps / sizeof *steps };

ALWAYS uint64_t *record_of(void *block) {
    uint64_t *leaf = leaves[((uintptr_t)block - 1) >> LOW_BITS & (LEAVES - 1)];
    if (UNLIKELY(!leaf))
        abort();
    return &leaf[((uintptr_t)block & ((1u << LOW_BITS) - 1)) >> 5];
}

// The loop has one place, whose key comes in with its first call.
NEVER void new_place(uint64_t key) {
    if (table[key & mask].cell)
        abort();
    table[key & mask].key = key;
    table[key & mask].cell = &cells[1];
}

ALWAYS struct cell *cell_of(const void *site, const uintptr_t *frame) {
    uint64_t key = (uintptr_t)site * 0x9e3779b97f4a7c15u;
    key = (key ^ frame[1]) * 0x9e3779b97f4a7c15u;
    if (UNLIKELY(table[key & mask].key != key))
        new_place(key);
    return table[key & mask].cell;
}

ALWAYS void *allocate(size_t bytes, const void *site, const uintptr_t *frame, int step) {
    void *block = real_malloc(bytes);
    if (step >= 2 && UNLIKELY(special != 0))
        abort();
    struct cell *cell = step >= 8 ? cell_of(site, frame) : &cells[1];
    if (step >= 3)
        *record_of(block) = (uint64_t)(cell - cells) << 32 | bytes;
    if (step >= 4) {
        cell->allocations++;
        cell->bytes += bytes;
    }
    if (step >= 5)
        last_block = block;
    if (step >= 6 && UNLIKELY((credit -= (int64_t)bytes) < 0))
        abort();
    if (step >= 7 && UNLIKELY((cell->headroom -= (int64_t)bytes) < 0))
        abort();
    return block;
}

ALWAYS void release(void *block, int step) {
    if (step >= 2 && UNLIKELY(special != 0))
        abort();
    if (step >= 3) {
        uint64_t *place = record_of(block), record = *place;
        struct cell *cell = &cells[record >> 32];
        uint32_t bytes = (uint32_t)record;
        *place = 0;
        if (step >= 4) {
            cell->frees++;
            cell->freed_bytes += bytes;
        }
        if (step >= 5 && block == last_block)
            cell->temporary++;
        if (step >= 6)
            credit += bytes;
        if (step >= 7)
            cell->headroom += bytes;
    }
    real_free(block);
}

#define STEP(n)                                                                                    \
    NEVER void *allocate_##n(size_t bytes, const void *site) {                                     \
        return allocate(bytes, site, __builtin_frame_address(0), n);                               \
    }                                                                                              \
    NEVER void release_##n(void *block) {                                                          \
        release(block, n);                                                                         \
    }                                                                                              \
    NEVER void run_##n(void *volatile *kept, unsigned long pairs) {                                \
        for (unsigned long i = 0; i < pairs; i++) {                                                \
            release_##n(kept[i % ALIVE]);                                                          \
            kept[i % ALIVE] = allocate_##n(16 + i % ALIVE, cells);                                 \
        }                                                                                          \
    }
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)
STEP(6)
STEP(7)
STEP(8)

NEVER void run_0(void *volatile *kept, unsigned long pairs) {
    for (unsigned long i = 0; i < pairs; i++) {
        free(kept[i % ALIVE]);
        kept[i % ALIVE] = malloc(16 + i % ALIVE);
    }
}

static void run(int step, void *volatile *kept, unsigned long pairs) {
    static void (*const loops[STEPS])(void *volatile *, unsigned long) = {
        run_0, run_1, run_2, run_3, run_4, run_5, run_6, run_7, run_8};
    loops[step](kept, pairs);
}

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    unsigned long rounds = strtoul(argv[1], NULL, 10), pairs = strtoul(argv[2], NULL, 10);
    void *volatile kept[ALIVE];
    for (size_t i = 0; i < ALIVE; i++) {
        kept[i] = malloc(16 + i);
        uint64_t **leaf = &leaves[((uintptr_t)kept[i] - 1) >> LOW_BITS & (LEAVES - 1)];
        if (!kept[i] || (!*leaf && !(*leaf = calloc(1, LEAF_BYTES))))
            return 1;
    }
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        cells[i].headroom = INT64_MAX / 2;
    for (unsigned long round = 0; round < rounds; round++) {
        for (int step = 0; step < STEPS; step++) {
            run(step, kept, pairs / 16);
            double began = cpu_ns();
            run(step, kept, pairs);
            printf("{\"step\": \"%s\", \"number\": %d, \"ns\": %.3f}\n", steps[step], step,
                   (cpu_ns() - began) / (double)pairs);
        }
    }
    // Each step from the fourth on has counted every pair of its own.
    uint64_t counted = (uint64_t)(STEPS - 4) * rounds * (pairs + pairs / 16);
    return cells[1].allocations == counted && cells[1].frees <= counted ? 0 : 1;
}
