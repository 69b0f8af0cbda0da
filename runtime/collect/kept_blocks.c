// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   word of a granule (as shadow.h's)    0 = nothing known
//                                        ref of the block's record, where it is kept
//                                        BORN | when it was allocated, where it is not
//   place in the reservoir               [ changes : 32 | ref of its record : 32 ]
//   pool of spare records, a stack       [ changes : 32 | ref of the topmost : 32 ]
//
// The counts of changes keep a place from being taken for what it was long before. Algorithm R
// puts the freed blocks into their places in order of number; here several threads do, and a place
// keeps the highest number that came, whichever was there first: the outcome is the same.

#include "kept_blocks.h"

#include "granule_words.h"
#include "task.h"
#include "thread.h"

#include "base/config.h"
#include "store/arena.h"

#include <memscope/profile_blocks.h>

#define BORN (1ull << 63)
#define REF_OF(word) ((uint32_t)(word))

struct kept {
    uint64_t limit, seed;
    struct memscope_block_totals_record *totals;
    uint64_t alive; // atomic, as are the next two
    uint64_t pool;
    uint64_t places[];
};

// Replaced as a whole when a fork child begins: a hook that the fork interrupted goes on with what
// it has.
static struct kept *kept_now;

static uint64_t **leaves;

static struct kept *kept_here(void) {
    return ms_acquire(&kept_now);
}

uint64_t ms_kept_flag(void) {
    return kept_here() ? MS_SPECIAL_RECORDS : 0;
}

static struct kept *map_kept(uint64_t limit) {
    struct kept *kept;
    kept = ms_sys_map_anonymous(sizeof *kept + limit * sizeof kept->places[0]);
    if (kept)
        kept->limit = limit;
    return kept;
}

void ms_kept_begin_profile(void) {
    struct kept *kept = NULL;
    uint32_t ref;
    ms_store(&kept_now, kept);
    if (ms_config.records == 0)
        return;
    struct memscope_block_totals_record *totals =
        ms_arena_take(sizeof *totals / MEMSCOPE_UNIT_BYTES, true, &ref);
    if (!totals || !(kept = map_kept(ms_config.records))) {
        ms_give_up("records: there is no memory for single blocks, none is kept", NULL);
        return;
    }
    kept->seed = ms_config.records_seed;
    if (kept->seed == 0)
        ms_sys_random(&kept->seed, sizeof kept->seed);
    totals->limit = kept->limit;
    totals->seed = kept->seed;
    totals->record.flags = MEMSCOPE_BLOCK_TOTALS;
    ms_arena_publish(totals, MEMSCOPE_RECORD_BLOCK);
    kept->totals = totals;
    ms_release(&kept_now, kept);
}

// ---- words -------------------------------------------------------------------------------------

static uint64_t *word_at(uintptr_t address, bool may_map) {
    return ms_granule_word(&leaves, address, may_map);
}

// ---- spare records -----------------------------------------------------------------------------

static void set_state(struct memscope_block_record *record, enum memscope_block_state state) {
    ms_release(&record->record.flags, (uint8_t)state);
}

// A forebear's, met by a hook that a fork interrupted: NULL.
static struct memscope_block_record *record_of(uint32_t ref) {
    return ref != 0 && ms_ref_is_ours(ref) ? ms_ref(ref) : NULL;
}

static uint64_t changed(uint64_t word, uint32_t ref) {
    return ((word >> 32) + 1) << 32 | ref;
}

static void give_back(struct kept *kept, uint32_t ref) {
    struct memscope_block_record *record = record_of(ref);
    if (!record)
        return;
    set_state(record, MEMSCOPE_BLOCK_SPARE);
    uint64_t top = ms_acquire(&kept->pool);
    do
        ms_store(&record->freed_ns, (uint64_t)REF_OF(top));
    while (!ms_swap_if(&kept->pool, &top, changed(top, ref)));
}

// A spare record, its fields of no meaning; 0 = no room.
static uint32_t take_spare(struct kept *kept, bool may_grow) {
    uint64_t top = ms_acquire(&kept->pool);
    struct memscope_block_record *record;
    while ((record = record_of(REF_OF(top)))) {
        uint32_t below = (uint32_t)ms_load(&record->freed_ns);
        if (ms_swap_if(&kept->pool, &top, changed(top, below)))
            return REF_OF(top);
    }
    uint32_t ref;
    record = ms_arena_take(sizeof *record / MEMSCOPE_UNIT_BYTES, may_grow, &ref);
    if (!record)
        return 0;
    ms_arena_publish(record, MEMSCOPE_RECORD_BLOCK);
    return ref;
}

static uint64_t task_id_of(const struct memscope_cell_record *cell, const void *block) {
    if (!(cell->record.flags & MEMSCOPE_CELL_TASK))
        return 0;
    const uint32_t *word = ms_task_word_at((uintptr_t)block);
    const struct memscope_task_record *task = word ? ms_task_of(ms_load(word)) : NULL;
    return task ? ms_load(&task->id) : 0;
}

static struct memscope_block_record *describe(uint32_t ref, const struct ms_kept_event *event,
                                              uint64_t allocated_ns) {
    struct memscope_block_record *record = ms_ref(ref);
    ms_store(&record->address, (uint64_t)(uintptr_t)event->block);
    ms_store(&record->bytes, event->bytes);
    ms_store(&record->task_id, task_id_of(event->cell, event->block));
    ms_store(&record->allocated_ns, allocated_ns);
    ms_store(&record->freed_ns, (uint64_t)0);
    ms_store(&record->order, (uint64_t)0);
    ms_store(&record->cell_ref, ms_cell_ref(event->cell));
    ms_store(&record->freed_by_ref, 0u);
    return record;
}

// NULL where nothing is kept, or a hook that a fork interrupted goes on with its parent's cell.
static struct kept *kept_for(const struct ms_kept_event *event) {
    struct kept *kept = kept_here();
    return kept && ms_ref_is_ours(ms_cell_ref(event->cell)) ? kept : NULL;
}

// ---- alive -------------------------------------------------------------------------------------

static bool has_room(struct kept *kept) {
    uint64_t alive = ms_load(&kept->alive);
    do
        if (alive >= kept->limit)
            return false;
    while (!ms_swap_if(&kept->alive, &alive, alive + 1));
    return true;
}

void ms_kept_allocated(const struct ms_kept_event *event) {
    struct kept *kept = kept_for(event);
    uint64_t *word = kept ? word_at((uintptr_t)event->block, true) : NULL;
    if (!word)
        return;
    uint64_t now = ms_sys_clock_monotonic_ns();
    uint32_t ref = 0;
    if (has_room(kept) && (ref = take_spare(kept, !event->inside_hook)) == 0)
        ms_add(&kept->alive, (uint64_t)-1);
    if (ref != 0)
        set_state(describe(ref, event, now), MEMSCOPE_BLOCK_ALIVE);
    ms_store(word, ref != 0 ? ref : BORN | now);
}

// ---- freed -------------------------------------------------------------------------------------

// splitmix64 (Steele, Lea, Flood, 2014) of a counter.
static uint64_t random_of(uint64_t seed, uint64_t number) {
    uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t ms_kept_draw(uint64_t seed, uint64_t number, uint64_t limit) {
    if (number < limit)
        return number;
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)random_of(seed, number) * (number + 1) >> 64);
}

// What stands at a place, and in *number_out the number of that block; 0 = nothing.
static uint64_t look_at_place(struct kept *kept, uint64_t place, uint64_t *number_out) {
    uint64_t held = ms_acquire(&kept->places[place]), seen;
    do {
        seen = held;
        const struct memscope_block_record *record = record_of(REF_OF(seen));
        *number_out = record ? ms_acquire(&record->order) >> MEMSCOPE_BLOCK_PLACE_BITS : 0;
    } while ((held = ms_acquire(&kept->places[place])) != seen); // or it is another block's by now
    return held;
}

// Puts a freed block into its place; whatever makes room, perhaps the block itself, is spare again.
static void put_in_place(struct kept *kept, uint64_t place, uint32_t ref, uint64_t number) {
    uint64_t held, held_number;
    set_state(ms_ref(ref), MEMSCOPE_BLOCK_FREED);
    do {
        held = look_at_place(kept, place, &held_number);
        if (held_number > number) {
            give_back(kept, ref);
            return;
        }
    } while (!ms_swap_if(&kept->places[place], &held, changed(held, ref)));
    give_back(kept, REF_OF(held));
}

// The word of a block that is freed, taken away.
static uint64_t take_word(const struct ms_tls *tls, uintptr_t block, bool by_realloc) {
    if (by_realloc && tls->thread) {
        struct ms_kept_moving *moving = &tls->thread->moving;
        const uint32_t most = sizeof moving->taken / sizeof moving->taken[0];
        for (uint32_t i = 1; i <= most; i++) {
            uint32_t at = (moving->next - i) % most;
            if (moving->taken[at].block != block)
                continue;
            moving->taken[at].block = 0;
            return moving->taken[at].word;
        }
        return 0;
    }
    uint64_t *word = word_at(block, false);
    return word ? __atomic_exchange_n(word, (uint64_t)0, __ATOMIC_ACQ_REL) : 0;
}

// The record of a block that was kept, if it is that block's; else 0.
static uint32_t record_in(uint64_t word, const struct ms_kept_event *event) {
    const struct memscope_block_record *record = word & BORN ? NULL : record_of(REF_OF(word));
    bool is_its_own = record && ms_load(&record->address) == (uint64_t)(uintptr_t)event->block &&
                      ms_load(&record->bytes) == event->bytes &&
                      ms_load(&record->cell_ref) == ms_cell_ref(event->cell);
    return is_its_own ? REF_OF(word) : 0;
}

// A block that the sample has drawn: `ref` is its record, 0 = it was not kept.
static void sample(struct kept *kept, const struct ms_tls *tls, const struct ms_kept_event *event,
                   uint64_t word, uint32_t ref, uint64_t number, uint64_t place) {
    if (ref == 0 && (ref = take_spare(kept, !event->inside_hook)) != 0)
        (void)describe(ref, event, word & BORN ? word & ~BORN : 0);
    if (ref == 0) {
        ms_add(&kept->totals->missed, 1u);
        return;
    }
    struct memscope_block_record *record = ms_ref(ref);
    ms_store(&record->freed_ns, ms_sys_clock_monotonic_ns());
    ms_store(&record->freed_by_ref, tls->record_ref);
    ms_store(&record->order, number << MEMSCOPE_BLOCK_PLACE_BITS | place);
    put_in_place(kept, place, ref, number);
}

void ms_kept_freed(const struct ms_tls *tls, const struct ms_kept_event *event) {
    struct kept *kept = kept_for(event);
    if (!kept)
        return;
    uint64_t word = take_word(tls, (uintptr_t)event->block, event->by_realloc);
    uint32_t ref = record_in(word, event);
    uint64_t number = ms_add(&kept->totals->freed, 1u);
    uint64_t place = ms_kept_draw(kept->seed, number, kept->limit);
    if (place < kept->limit)
        sample(kept, tls, event, word, ref, number, place);
    else if (ref != 0)
        give_back(kept, ref);
    if (ref != 0)
        ms_add(&kept->alive, (uint64_t)-1);
}

// ---- realloc -----------------------------------------------------------------------------------

void *ms_kept_realloc(void *(*real)(void *, size_t), void *block, size_t bytes) {
    struct ms_thread *thread = ms_tls.thread;
    uint64_t *place = block && thread && kept_here() ? word_at((uintptr_t)block, false) : NULL;
    uint64_t word = place ? ms_load(place) : 0;
    if (word == 0)
        return real(block, bytes);
    struct ms_kept_moving *moving = &thread->moving;
    uint32_t at = moving->next++ % (sizeof moving->taken / sizeof moving->taken[0]);
    moving->taken[at].word = word;
    moving->taken[at].block = (uintptr_t)block;
    ms_store(place, (uint64_t)0);
    void *moved = real(block, bytes);
    if (!moved && bytes != 0) { // it failed, the block stays
        ms_store(place, word);
        moving->taken[at].block = 0;
    }
    return moved;
}
