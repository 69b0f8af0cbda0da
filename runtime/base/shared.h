// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state every hook reads. It stands on a page of its own that the kernel zeroes in a fork child
// (MADV_WIPEONFORK), also in children that no handler of ours hears of (_Fork, raw clone): there
// every lookup misses, the slow path finds `alive` zero though the runtime had started, and the
// child begins a profile of its own before its first event is counted.

#ifndef MS_SHARED_H
#define MS_SHARED_H

#include "platform/platform.h"

#include <memscope/profile_format.h>

struct ms_tls;

struct ms_shared {
    uint32_t alive;     // 1 while events are counted
    uint32_t strategy;  // enum memscope_strategy
    uint32_t ref_base;  // smallest ref of this process's profile
    uint32_t ref_count; // units with storage; a ref is ours where ref - ref_base < ref_count
    char *units;        // address of unit r of this profile is units + r * 64, r counted from ref 0
    struct memscope_profile_header *header; // unit ref_base
    // 2^64 - (ref_base << 32): added to a record, it carries exactly where that is one of this
    // process (a greater one than ours is never met), and leaves ref - ref_base above its low half.
    // Zero, it never carries.
    uint64_t bias;
    // The same for brief records (collect/shadow.h): 2^32 - (ref_base << 10), or where ref_base has
    // too many bits for that, 1. `direct_bias` is zero but under GlobalDirect.
    uint32_t brief_bias;
    uint32_t direct_bias;
    uint32_t depth;     // of contexts, in frames; 0 = sites alone
    uint32_t key_pairs; // of context/key.h; 0 = no context is looked up on the fast path
    // GlobalDirect: header->peak_epoch, so that a cell with it is one that an event may change at
    // once. Else MS_NO_EPOCH. Where another thread leaves GlobalDirect, the one that counts may put
    // it back once; it takes notice at its next event that finds another epoch.
    uint64_t fast_epoch;
    struct ms_tls *unconverted;  // the thread that counts (or last counted) under GlobalDirect
    uint64_t upgrade_peak_bytes; // the peak when the strategy left GlobalDirect
    uint64_t upgrade_latest_peak_bytes; // ... and that of the latest session
    uint32_t level;                     // enum memscope_level
    uint32_t level_number;              // counts changes of it; threads compare it with theirs
    uint64_t interval_bytes;            // of collect/sampler.h; 0 = nothing is sampled
    // Under GlobalDirect, while samples are taken: the brief record of a block of no bytes that is
    // none (entry/count_sampled.h), and what MS_NO_BRIEF is above it; else 0 both.
    uint32_t direct_unsampled;
    uint32_t direct_unsampled_gap;
    int64_t tasks_alive; // as published by threads (collect/task_alive.h)
};

#define MS_NO_EPOCH UINT64_MAX // no cell's

enum { MS_SHARED_PAGE = 65536 }; // the largest page size of the architectures we know

union ms_shared_page {
    struct ms_shared state;
    char page[MS_SHARED_PAGE];
};

extern MS_INTERNAL union ms_shared_page ms_shared_page;
#define ms_shared (ms_shared_page.state)

// Atomics on plain fields, as the profile format declares them. Counters need no order; what is
// published by a store is read by ms_acquire.
#define ms_load(place) __atomic_load_n((place), __ATOMIC_RELAXED)
// Of what a hook reads each time, and nobody but its own thread writes while another thread runs:
// plain, so that an instruction can take it from memory.
#ifdef __SANITIZE_THREAD__
#define ms_peek(place) ms_load(place)
#else
#define ms_peek(place) (*(place))
#endif
// The same address, computed where it is needed: seldom run code after it costs the usual way
// nothing.
#define ms_same(address)                                                                           \
    __extension__({                                                                                \
        __typeof__(address) ms_address = (address);                                                \
        __asm__("" : "+r"(ms_address));                                                            \
        ms_address;                                                                                \
    })
#define ms_acquire(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
#define ms_store(place, value) __atomic_store_n((place), (value), __ATOMIC_RELAXED)
#define ms_release(place, value) __atomic_store_n((place), (value), __ATOMIC_RELEASE)
#ifndef MEMSCOPE_SEEDED_RACE
#define ms_add(place, value) __atomic_fetch_add((place), (value), __ATOMIC_RELAXED)
#else // a build that ThreadSanitizer must complain of, or it proves nothing
#define ms_add(place, value)                                                                       \
    __extension__({                                                                                \
        __typeof__(*(place)) ms_before = *(place);                                                 \
        *(place) = ms_before + (value);                                                            \
        ms_before;                                                                                 \
    })
#endif
#define ms_swap_if(place, expected, value)                                                         \
    __atomic_compare_exchange_n((place), (expected), (value), false, __ATOMIC_ACQ_REL,             \
                                __ATOMIC_ACQUIRE)

MS_HOT void ms_raise_signed(int64_t *place, uint64_t value) {
    ms_raise((uint64_t *)place, value);
}

// The record a ref names, which must be one of this profile's.
MS_HOT void *ms_ref(uint32_t ref) {
    return ms_shared.units + (uint64_t)ref * MEMSCOPE_UNIT_BYTES;
}

// From now on no event takes GlobalDirect's path.
static inline void ms_leave_direct(void) {
    // One order of all: this store comes after that of ms_direct_sample, or that sees the first.
    __atomic_store_n(&ms_shared.direct_bias, 0u, __ATOMIC_SEQ_CST);
    __atomic_store_n(&ms_shared.direct_unsampled, 0u, __ATOMIC_SEQ_CST);
    ms_store(&ms_shared.direct_unsampled_gap, 0u);
    ms_release(&ms_shared.fast_epoch, MS_NO_EPOCH);
}

// A block's record (collect/shadow.h), brief: [ cell ref : 22 | bytes : 10 ]; whole: [ 32 | 32 ].
enum { MS_BRIEF_BITS = 10 };
#define MS_BRIEF_LEAST (1u << MS_BRIEF_BITS)            // of ref 1
#define MS_NO_BRIEF (UINT32_MAX - (MS_BRIEF_LEAST - 1)) // of a ref that has none, the first
#define MS_BRIEF_REFS (MS_NO_BRIEF >> MS_BRIEF_BITS)    // smaller ones have

MS_HOT uint32_t ms_brief_bytes(uint32_t brief) {
    return brief & (MS_BRIEF_LEAST - 1);
}
MS_HOT uint64_t ms_brief_record(uint32_t brief) {
    return (uint64_t)(brief >> MS_BRIEF_BITS) << 32 | ms_brief_bytes(brief);
}
// Of less than MS_BRIEF_LEAST bytes; 0 = there is none.
static inline uint32_t ms_brief_of_record(uint64_t record) {
    uint64_t ref = record >> 32;
    return ref < MS_BRIEF_REFS ? (uint32_t)(ref << MS_BRIEF_BITS | (uint32_t)record) : 0;
}

// Of the one thread that counts under GlobalDirect.
static inline void ms_direct_sample(uint32_t brief) {
    if (brief == 0)
        return;
    ms_store(&ms_shared.direct_unsampled_gap, MS_NO_BRIEF - brief);
    __atomic_store_n(&ms_shared.direct_unsampled, brief, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ms_shared.direct_bias, __ATOMIC_SEQ_CST) != 0)
        return;
    ms_store(&ms_shared.direct_unsampled, 0u);
    ms_store(&ms_shared.direct_unsampled_gap, 0u);
}

// The cell of a brief record with brief_bias added, of a record with bias added; `base` is
// ms_shared.header.
MS_HOT void *ms_brief_at(char *base, uint32_t relative) {
    return base + (size_t)(relative >> MS_BRIEF_BITS) * MEMSCOPE_UNIT_BYTES;
}
MS_HOT void *ms_record_at(char *base, uint64_t relative) {
    return base + (relative >> 32) * MEMSCOPE_UNIT_BYTES;
}

MS_HOT bool ms_ref_is_ours(uint32_t ref) {
    return ref - ms_shared.ref_base < ms_load(&ms_shared.ref_count);
}

// GlobalDirect or TaskLocal, which keep the process's peak alike: one thread counts.
MS_HOT bool ms_single_threaded(void) {
    return (ms_load(&ms_shared.strategy) & MEMSCOPE_STRATEGY_THREADS) == 0;
}

static inline void ms_count_loss(enum memscope_loss loss, uint64_t amount) {
    ms_add(&ms_shared.header->losses[loss], amount);
}

#endif
