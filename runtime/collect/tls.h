// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a thread's hooks need at hand: 64 bytes in its static thread block.

#ifndef MS_TLS_H
#define MS_TLS_H

#include "base/shared.h"

#include <memscope/abi.h>

struct ms_thread;

// ms_tls.special is zero when an event may take the fast path. Else it says why not:
#define MS_SPECIAL_NEW (1ull << 58)     // no hook ran on this thread yet
#define MS_SPECIAL_PENDING (1ull << 59) // pending_site is charged with what is allocated
#define MS_SPECIAL_ONCE (1ull << 60)    // ... for one event only
#define MS_SPECIAL_EXITING (1ull << 61) // the thread's end was seen: publish every event at once
#define MS_SPECIAL_OFF (1ull << 62)     // nothing of this thread is counted
#define MS_SPECIAL_TASKS (1ull << 63)   // the thread has run tasks; stays
#define MS_SPECIAL_COMING (1ull << 57)  // the next allocation may be a new coroutine's frame
#define MS_SPECIAL_TICK (1ull << 56)    // the next allocation is looked at (count_tick.h)
#define MS_SPECIAL_RECORDS (1ull << 55) // single blocks are kept (kept_blocks.h); stays
#define MS_SPECIAL_TIMED (1ull << 54)   // the next free is timed (count_tick.h)
#define MS_SPECIAL_SAMPLES 1ull         // samples are taken, and nothing else is special
#define MS_SPECIAL_PARTING 4ull // a fork child that is still to begin its profile (parting.h)
#define MS_SPECIAL_GUARD (((1ull << 54) - 8) | MS_SPECIAL_SLOW)
#define MS_SPECIAL_SLOW 2ull // the slow path's
// ... where GUARD is the stack pointer of the hook that runs now, zero when none does. A handler
// that finds it at a deeper place than its own knows that the hook was left by longjmp.

struct ms_slot {
    uint64_t key; // a hash, so that bits of it are its place; 0 = none, but see `cell`
    struct memscope_cell_record *cell; // NULL = empty; a key that was taken away leaves it
    uint32_t brief; // the brief record (shadow.h) of a block of no bytes in it; 0 = it has none
    uint64_t plain; // what was hashed: MS_PLAIN_*, or a site's ref, a foreign call's key
};

// A whole stack (context/key.h).
#define MS_PLAIN_CONTEXT 0u
// Of a cell that has another slot; with depth=0, a site and a return address.
#define MS_PLAIN_ALIAS (~(uint64_t)0)
// A sampled cell without a context.
#define MS_PLAIN_SAMPLE (~(uint64_t)1)

// A stack: what lies in [low, high) may be read.
struct ms_stack {
    uintptr_t low, high; // 0, 0 = unknown
};

// Right before a thread's slots.
struct ms_table_head {
    uint64_t padding[2];   // to a bucket's alignment
    uint64_t mask;         // of a key: its bucket's distance from the first, in bytes
    int64_t until_tick;    // of a thread with tasks: allocations up to the next that is looked at
    struct ms_stack stack; // that it runs on now
    uintptr_t key_low;     // its low end; where the fast path is to hash no frames, above any
    uint64_t key_pairs;    // of context/key.h
};

enum { MS_TICK = 1 << MEMSCOPE_ROUND_BITS }; // of allocations one in so many is looked at
enum { MS_SAMPLED_TICK = 2 * MS_TICK };      // ... about, while samples are taken

struct ms_tls {
    uint64_t special;
    struct ms_slot *slots; // the thread's table, on pages that a fork child finds zeroed
    uint32_t padding, record_ref;
    int64_t credit;   // see strategy.h
    void *last_block; // the thread's latest allocation, to tell temporary ones
    struct memscope_thread_record *record;
    struct ms_thread *thread;
    struct ms_running *top; // of the shadow stack of tasks (task.h), never NULL
};

_Static_assert(sizeof(struct ms_tls) == 64, "one cache line, small enough for the TLS surplus");

// Of a thread that has slots.
MS_HOT struct ms_table_head *ms_head_of(const struct ms_tls *tls) {
    return (struct ms_table_head *)tls->slots - 1;
}
MS_HOT struct ms_stack *ms_stack_of(const struct ms_tls *tls) {
    return &ms_head_of(tls)->stack;
}

extern MS_THREAD struct ms_tls ms_tls __asm__(MEMSCOPE_INLINE_THREAD);

// Fibonacci hashing (Knuth, TAOCP 3, 6.4): 2^64 / golden ratio, odd.
#define MS_KEY_FACTOR 0x9e3779b97f4a7c15u
#define MS_KEY_FOREIGN (1ull << 63)

// Where a key is looked for first: in a bucket of two slots, one cache line. From there on, slot by
// slot. Table and mask are read as one: a signal handler right here may make the table grow, and a
// greater one's mask leads beyond what was read.
enum { MS_BUCKET = 2 };
MS_HOT struct ms_slot *ms_slot_of(const struct ms_tls *tls, uint64_t key) {
    struct ms_slot *slots = tls->slots;
    void *bucket = (char *)slots + (key & ((const struct ms_table_head *)slots)[-1].mask);
    return bucket;
}

MS_HOT uint64_t ms_key_of_plain(uint64_t plain) {
    return plain * MS_KEY_FACTOR;
}

#endif
