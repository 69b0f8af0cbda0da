// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From an event to its count. The fast paths, inlined into each hook: no lock, no system call, no
// allocation, errno untouched. Whatever is out of the ordinary goes to the slow paths of count.c.
//
// An event's origin is a site for rewritten calls; for others the site is NULL and the key is
// MS_KEY_FOREIGN | return address, or the ref of a site that is entered. Cells are found by a
// thread's table.

#ifndef MS_COUNT_H
#define MS_COUNT_H

#include "collect/shadow.h"
#include "collect/tls.h"
#include "context/key.h"
#include "count_sampled.h"
#include "strategy/strategy.h"

#include <memscope/abi.h>

struct ms_origin {
    uint64_t key;
    struct memscope_site *site;
    const uintptr_t *frame; // of ms_frame_here; NULL = the stack is not known
};

MS_HOT struct ms_origin ms_origin_of(struct memscope_site *site) {
    return (struct ms_origin){.key = 0, .site = site, .frame = ms_frame_here()};
}

MS_HOT struct ms_origin ms_origin_foreign(const void *return_address) {
    return (struct ms_origin){
        .key = MS_KEY_FOREIGN | (uintptr_t)return_address, .site = NULL, .frame = ms_frame_here()};
}

// Each of these ends an event; they return `block`. The first finds out what is special.
void *ms_note_allocation_special(void *block, size_t bytes, struct memscope_site *site,
                                 const uintptr_t *frame);
MS_COLD void *ms_note_allocation_slow(void *block, size_t bytes, struct memscope_site *site,
                                      const uintptr_t *frame); // site NULL = foreign
MS_COLD void *ms_note_allocation_publish(void *block, struct memscope_cell_record *cell);
// Its cell has not counted it yet. Under GlobalDirect: the cell's part of the process's peak is not
// saved yet; or the process has a new peak, and the block is not counted in its cell yet.
MS_NOINLINE void *ms_note_allocation_unsaved(void *block, size_t bytes,
                                             struct memscope_cell_record *cell);
MS_NOINLINE void *ms_note_allocation_peak(void *block, size_t bytes,
                                          struct memscope_cell_record *cell);
// A large block (shadow.h).
MS_NOINLINE void *ms_note_allocation_large(void *block, size_t bytes, struct memscope_site *site,
                                           const uintptr_t *frame,
                                           struct memscope_cell_record *cell);
// ... or the cell's round has ended with it; nothing else is left to do.
MS_NOINLINE void *ms_note_allocation_round(void *block, struct memscope_cell_record *cell);
MS_NOINLINE void *ms_note_allocation_tick(void *block, size_t bytes, struct memscope_site *site,
                                          const uintptr_t *frame);

// Each ends with the block's way to the allocator (`real`), unless it is none of the allocator's.
MS_NOINLINE void ms_free_special(void *block,
                                 ms_free_function *real); // its record is not taken yet
// ... but was looked at; `leaf` may be NULL.
MS_NOINLINE void ms_free_otherwise(void *block, char *leaf, uintptr_t granule,
                                   ms_free_function *real);
MS_NOINLINE void ms_free_unsaved(void *block, uint64_t bytes, struct memscope_cell_record *cell,
                                 ms_free_function *real); // of ms_note_allocation_unsaved

// The guard: a signal handler that allocates between these finds it and keeps away from counters
// that are being changed.
MS_HOT void ms_guard_take(struct ms_tls *tls) {
    ms_store_stack_pointer(&tls->special);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

MS_HOT void ms_guard_release(struct ms_tls *tls) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    ms_store(&tls->special, (uint64_t)0);
}

// A signal handler may fork right here, and the child come back to a wiped page and table: what was
// read before this is the parent's, whose place is harmless; what is read after it sees the wiping.
MS_HOT void ms_settle(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// Under GlobalDirect the usual way needs no guard where each counter is changed in one instruction:
// a signal handler finds them whole, and this event counted up to some of them. The process's total
// comes first, so that a handler's new peak has all of the block in it, or nothing.
MS_HOT void ms_direct_guard_take(struct ms_tls *tls) {
    if (!MS_BUMPS_AT_ONCE)
        ms_guard_take(tls);
}
MS_HOT void ms_direct_guard_release(struct ms_tls *tls) {
    if (!MS_BUMPS_AT_ONCE)
        ms_guard_release(tls);
}

// These two end an event whose block is recorded. The cell's epoch is ms_shared.fast_epoch.
MS_HOT void *ms_allocate_direct(struct ms_tls *tls, void *block, size_t bytes,
                                struct memscope_cell_record *cell) {
    ms_direct_guard_take(tls);
    tls->last_block = block;
    if (MS_UNLIKELY(ms_drop(&tls->credit, bytes)))
        return ms_note_allocation_peak(block, bytes, cell);
    ms_cell_hold(cell, bytes, false);
    if (MS_UNLIKELY(ms_cell_count(cell)))
        return ms_note_allocation_round(block, cell);
    ms_direct_guard_release(tls);
    return block;
}

MS_HOT void *ms_allocate_threaded(struct ms_tls *tls, void *block, size_t bytes,
                                  struct memscope_cell_record *cell) {
    ms_guard_take(tls);
    tls->last_block = block;
    ms_cell_keep_peak(cell, ms_epoch());
    ms_cell_hold(cell, bytes, true);
    if (MS_UNLIKELY(ms_thread_local_charge(tls, bytes)))
        return ms_note_allocation_publish(block, cell);
    if (MS_UNLIKELY(ms_cell_count(cell)))
        return ms_note_allocation_round(block, cell);
    ms_guard_release(tls);
    return block;
}

MS_HOT void *ms_note_slowly(void *block, size_t bytes, struct ms_origin origin,
                            const uintptr_t *frame) {
    block = ms_note_allocation_slow(block, bytes, origin.site, frame);
    ms_keep_frame();
    return block;
}

// What a slot holds is read before its key: where that is found, no handler's fork was between.
MS_HOT bool ms_look_up(const struct ms_tls *tls, uint64_t key,
                       struct memscope_cell_record **cell_out, uint32_t *brief_out) {
    const struct ms_slot *slot = ms_slot_of(tls, key);
    *cell_out = slot->cell;
    *brief_out = slot->brief;
    ms_settle();
    if (MS_LIKELY(ms_peek(&slot->key) == key))
        return true;
    *cell_out = slot[1].cell;
    *brief_out = slot[1].brief;
    ms_settle();
    return ms_load(&slot[1].key) == key;
}

// Of a thread where nothing is special. The key comes first: nothing but it has to be kept for the
// rest. The frame is that of the caller's caller, into which all of this is inlined.
MS_HOT void *ms_note_allocation_usual(struct ms_tls *tls, void *block, size_t bytes,
                                      struct ms_origin origin, const uintptr_t *frame) {
    uint64_t key = ms_fast_key(tls, ms_context_seed(origin.site), frame);
    char *leaf = ms_shadow_leaf((uintptr_t)block); // of NULL there is none
    if (MS_UNLIKELY(!leaf))
        return ms_note_slowly(block, bytes, origin, ms_frame_here());
    struct memscope_cell_record *cell;
    uint32_t brief;
    if (MS_UNLIKELY(!ms_look_up(tls, key, &cell, &brief)))
        return ms_note_slowly(block, bytes, origin, ms_frame_here());
    if (MS_UNLIKELY(bytes >= MS_LARGE_LEAST)) {
        block = ms_note_allocation_large(block, bytes, origin.site, ms_frame_here(), cell);
        ms_keep_frame();
        return block;
    }
    brief |= (uint32_t)bytes;
    if (MS_LIKELY(cell->epoch == ms_peek(&ms_shared.fast_epoch))) {
        ms_shadow_store_brief(leaf, block, brief);
        return ms_allocate_direct(tls, block, bytes, cell);
    }
    if (ms_peek(&ms_shared.direct_bias) != 0) {
        ms_shadow_store_brief(leaf, block, brief);
        return ms_note_allocation_unsaved(block, bytes, cell);
    }
    if (MS_UNLIKELY(ms_strategy_is_outdated(tls)))
        return ms_note_slowly(block, bytes, origin, ms_frame_here());
    ms_shadow_store_brief(leaf, block, brief);
    return ms_allocate_threaded(tls, block, bytes, cell);
}

// The allocator has returned `block` for a request of `bytes`; NULL = it failed. Returns `block`.
MS_HOT void *ms_note_allocation(void *block, size_t bytes, struct ms_origin origin) {
    struct ms_tls *tls = &ms_tls;
    if (MS_UNLIKELY(tls->special != 0)) {
        block = ms_note_allocation_special(block, bytes, origin.site, ms_frame_here());
        ms_keep_frame();
        return block;
    }
    return ms_note_allocation_usual(tls, block, bytes, origin, ms_frame_here());
}

// The cell and the bytes of a word of the shadow; `bias` is of ms_shared, brief_bias or
// direct_bias. False: it is no brief record of this process, or another strategy than GlobalDirect
// holds.
MS_HOT bool ms_cell_of_word(uint32_t word, const uint32_t *bias,
                            struct memscope_cell_record **cell_out, uint32_t *bytes_out) {
    char *base = (char *)ms_shared.header;
    uint32_t relative;
    ms_settle();
    if (MS_UNLIKELY(!ms_carries(word, bias, &relative)))
        return false;
    *bytes_out = ms_brief_bytes(relative);
    *cell_out = ms_brief_at(base, relative);
    return true;
}

// The same of a record that was taken.
MS_HOT bool ms_cell_of_record(uint64_t record, struct memscope_cell_record **cell_out) {
    char *base = (char *)ms_shared.header;
    uint64_t relative;
    ms_settle();
    if (MS_UNLIKELY(!__builtin_add_overflow(record, ms_load(&ms_shared.bias), &relative)))
        return false;
    *cell_out = ms_record_at(base, relative);
    return true;
}

// Of a thread where nothing is special. The cell's epoch is ms_shared.fast_epoch.
MS_HOT void ms_free_direct(void *block, uint64_t bytes, struct memscope_cell_record *cell) {
    struct ms_tls *tls = &ms_tls;
    ms_direct_guard_take(tls);
    ms_global_direct_free(tls, cell, bytes, block);
    ms_direct_guard_release(tls);
}

// A block whose record was taken has been, or is about to be, freed. False: it is none of the
// allocator's and must not be passed on to it.
bool ms_note_free_of(void *block, uint64_t record);

// An event in a signal handler of a child that was parting from its parent (parting.h): it is
// counted as one inside a hook.
struct ms_put_off {
    void *block;
    uint64_t record; // of a block that is freed, if it was taken
    size_t bytes;    // of one that is allocated
    bool is_free;
};
void ms_note_put_off(const struct ms_put_off *event);

// Around what changes a thread's tables: false = not now (switched off, or inside a hook already,
// in a signal handler). Takes the guard; attaches the thread, whose tls.thread is NULL where that
// failed. errno is the caller's to keep.
bool ms_slow_begin(struct ms_tls *tls);
void ms_slow_end(struct ms_tls *tls);
// Does the caller, in a signal handler, stand above a slow path of its own thread?
bool ms_slow_is_interrupted(void);

// Between these the thread's allocations are charged to `origin`; an outer pending site wins,
// unless its call was left by longjmp. `caller_stack`: of the function that makes the call. Returns
// a token for ms_pending_leave.
uint32_t ms_pending_enter(struct ms_origin origin, bool once, uintptr_t caller_stack);
void ms_pending_leave(uint32_t token);

// For the slow path of an event: a pending site whose call was left by longjmp is dropped; the one
// that still holds takes the place of the event's own origin.
void ms_pending_drop_stale(struct ms_tls *tls, uintptr_t caller_stack);
struct ms_origin ms_pending_take(struct ms_tls *tls, struct ms_origin origin);

// setjmp has returned in the function with `caller_stack`: what was entered deeper was left.
void ms_landed(uintptr_t caller_stack);

// The site that waits for the next thread start of this thread, consumed where it holds once.
uint32_t ms_pending_site(void);

// The ref of an origin's site in the profile, written now if it was not; 0 = no room.
uint32_t ms_origin_site_ref(struct ms_origin *origin);

#endif
