// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Single blocks, kept in the profile where the option `records` asks for them: the first ones that
// are alive, up to its number, and an even sample of the freed ones, as many. Slow path: the flag
// MS_SPECIAL_RECORDS, which each thread then has, leads every event there, so that nothing of this
// costs those who do not ask. Any thread, async-signal-safe, lock-free.

#ifndef MS_KEPT_BLOCKS_H
#define MS_KEPT_BLOCKS_H

#include "cell.h"
#include "tls.h"

// A profile begins: of the first process, or of a fork child, which knows nothing of its forebear's
// blocks.
void ms_kept_begin_profile(void);
// MS_SPECIAL_RECORDS where blocks are kept, else 0.
uint64_t ms_kept_flag(void);

struct ms_kept_event {
    const void *block;
    const struct memscope_cell_record *cell; // that counts it
    uint64_t bytes;
    bool inside_hook; // of a signal handler that met the guard: the profile is not grown
    bool by_realloc;  // freed: the allocator has it back already (ms_kept_realloc)
};

// A block's task word is written.
void ms_kept_allocated(const struct ms_kept_event *event);
// Its task still is there.
void ms_kept_freed(const struct ms_tls *tls, const struct ms_kept_event *event);

// Around the allocator's realloc: what we know of a block is taken before its address may be
// another thread's.
void *ms_kept_realloc(void *(*real)(void *, size_t), void *block, size_t bytes);

// What a thread's reallocs have taken and not yet counted as freed: more than one where signal
// handlers reallocate in a realloc.
struct ms_kept_moving {
    uint32_t next;
    struct {
        uintptr_t block;
        uint64_t word;
    } taken[4];
};

// The place in a reservoir of `limit` that the freed block number `number` (from 0 on) takes; limit
// or more = none. A function of its arguments alone.
uint64_t ms_kept_draw(uint64_t seed, uint64_t number, uint64_t limit);

#endif
