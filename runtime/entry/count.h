// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From an event to its count. The fast paths, inlined into each hook: no lock, no system call, no
// allocation, errno untouched. Whatever is out of the ordinary goes to the slow paths of count.c.
//
// An event's origin is a key and a site: for rewritten calls the key is the site's ref; for others
// the site is NULL and the key is MS_KEY_FOREIGN | return address.

#ifndef MS_COUNT_H
#define MS_COUNT_H

#include "collect/shadow.h"
#include "collect/tls.h"
#include "strategy/strategy.h"

#include <memscope/abi.h>

struct ms_origin {
    uint64_t key;
    struct memscope_site *site;
};

static inline struct ms_origin ms_origin_of(struct memscope_site *site) {
    return (struct ms_origin){.key = ms_load(&site->id), .site = site};
}

static inline struct ms_origin ms_origin_foreign(const void *return_address) {
    return (struct ms_origin){.key = MS_KEY_FOREIGN | (uintptr_t)return_address, .site = NULL};
}

void ms_note_allocation_slow(void *block, size_t bytes, struct ms_origin origin);
// False: the block is none of the allocator's and must not be passed on to it.
bool ms_note_free_slow(void *block, uint64_t record);

// The guard: a signal handler that allocates between these finds it and keeps away from counters
// that are being changed.
static inline void ms_guard_take(struct ms_tls *tls) {
    ms_store(&tls->special, (uint64_t)ms_stack_pointer());
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void ms_guard_release(struct ms_tls *tls) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    ms_store(&tls->special, (uint64_t)0);
}

static inline void ms_count_allocation(struct ms_tls *tls, struct memscope_cell_record *cell,
                                       void *block, size_t bytes) {
    ms_strategy_allocate(tls, cell, bytes);
    if (MS_UNLIKELY(!ms_shadow_put(block, ms_cell_ref(cell), bytes))) {
        ms_count_loss(MEMSCOPE_LOSS_untracked_blocks, 1);
        ms_count_loss(MEMSCOPE_LOSS_untracked_bytes, bytes);
    }
    tls->last_block = block;
}

// The allocator has returned `block` for a request of `bytes`; NULL = it failed.
static inline void ms_note_allocation(void *block, size_t bytes, struct ms_origin origin) {
    struct ms_tls *tls = &ms_tls;
    if (MS_LIKELY(block && tls->special == 0)) {
        ms_guard_take(tls);
        struct ms_slot *slot = &tls->slots[origin.key * MS_KEY_FACTOR >> tls->shift];
        if (MS_LIKELY(slot->key == origin.key)) {
            ms_count_allocation(tls, slot->cell, block, bytes);
            ms_guard_release(tls);
            return;
        }
        ms_guard_release(tls);
    }
    ms_note_allocation_slow(block, bytes, origin);
}

// A block whose record was taken has been, or is about to be, freed.
static inline bool ms_note_free_of(void *block, uint64_t record) {
    struct ms_tls *tls = &ms_tls;
    uint32_t ref = (uint32_t)(record >> 32);
    if (MS_UNLIKELY(ref - ms_shared.ref_base >= ms_load(&ms_shared.ref_count) ||
                    tls->special != 0))
        return ms_note_free_slow(block, record);
    ms_guard_take(tls);
    ms_strategy_free(tls, ms_ref(ref), ms_shadow_size(block, record), block);
    ms_guard_release(tls);
    return true;
}

// `block` is about to be freed: its record is taken before the allocator can hand the address to
// another thread.
static inline bool ms_note_free(void *block) {
    return ms_note_free_of(block, ms_shadow_take(block));
}

// Between these the thread's allocations are charged to `site_ref`; an outer pending site wins.
// Returns a token for ms_pending_leave.
uint32_t ms_pending_enter(struct ms_origin origin, bool once);
void ms_pending_leave(uint32_t token);

// The site that waits for the next thread start of this thread, consumed where it holds once.
uint32_t ms_pending_site(void);

// The ref of an origin's site in the profile, written now if it was not; 0 = no room.
uint32_t ms_origin_site_ref(struct ms_origin *origin);

#endif
