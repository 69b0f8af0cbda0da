// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "thread.h"

#include "base/config.h"
#include "context/context.h"
#include "store/arena.h"
#include "fiber.h"
#include "level.h"
#include "shadow.h"
#include "task_alive.h"
#include "strategy/strategy.h"

#include <string.h>

MS_THREAD struct ms_tls ms_tls = {.special = MS_SPECIAL_NEW, .top = ms_no_tasks_top};
struct ms_thread *ms_threads;

static uint32_t records_made;

// struct ms_threads come from batches that are never given back: number n is in batch n / AT_ONCE.
static struct ms_thread *new_thread(void) {
    enum { AT_ONCE = 64, BATCHES = 4096 };
    static struct ms_thread *batches[BATCHES];
    static uint32_t made;
    uint32_t number = ms_add(&made, 1u);
    if (number >= AT_ONCE * BATCHES)
        return NULL;
    struct ms_thread **place = &batches[number / AT_ONCE];
    struct ms_thread *batch = ms_acquire(place);
    if (!batch) {
        struct ms_thread *fresh = ms_sys_map_anonymous(AT_ONCE * sizeof *fresh);
        if (!fresh)
            return NULL;
        if (ms_swap_if(place, &batch, fresh))
            batch = fresh;
        else
            ms_sys_unmap(fresh, AT_ONCE * sizeof *fresh);
    }
    return &batch[number % AT_ONCE];
}

static void enlist(struct ms_thread *thread) {
    struct ms_thread *first = ms_acquire(&ms_threads);
    do
        thread->next = first;
    while (!ms_swap_if(&ms_threads, &first, thread));
}

static struct ms_thread *new_record(uint32_t spawn_site_ref) {
    uint32_t ref;
    struct memscope_thread_record *record =
        ms_arena_take(sizeof *record / MEMSCOPE_UNIT_BYTES, true, &ref);
    struct ms_thread *thread = record ? new_thread() : NULL;
    if (!thread)
        return NULL;
    record->index = ms_add(&records_made, 1u);
    record->spawn_site_ref = spawn_site_ref;
    record->shared_by = 1;
    ms_arena_publish(record, MEMSCOPE_RECORD_THREAD);
    thread->record = record;
    thread->record_ref = ref;
    thread->in_use = 1;
    enlist(thread);
    return thread;
}

// An ended thread's buffer: of the same spawn site if there is one, so that the report's lines
// stay true; its totals go on.
static struct ms_thread *take_over(uint32_t spawn_site_ref) {
    for (int any_site = 0; any_site <= 1; any_site++) {
        for (struct ms_thread *thread = ms_acquire(&ms_threads); thread; thread = thread->next) {
            struct memscope_thread_record *record = thread->record;
            uint32_t ended = 0;
            if (ms_acquire(&thread->in_use) != 0 || record->index == 0 ||
                (!any_site && record->spawn_site_ref != spawn_site_ref) ||
                ms_sys_thread_exists(record->thread_id) || !ms_swap_if(&thread->in_use, &ended, 1u))
                continue;
            record->shared_by++;
            if (any_site)
                record->spawn_site_ref = 0;
            return thread;
        }
    }
    return NULL;
}

struct ms_thread *ms_thread_prepare(uint32_t spawn_site_ref) {
    struct ms_thread *thread = NULL;
    if (ms_load(&records_made) >= MS_THREADS_KEPT)
        thread = take_over(spawn_site_ref);
    return thread ? thread : new_record(spawn_site_ref);
}

void ms_thread_discard(struct ms_thread *thread) {
    if (thread)
        ms_release(&thread->in_use, 0u);
}

static void start_record(struct ms_thread *thread) {
    struct memscope_thread_record *record = thread->record;
    struct memscope_profile_header *header = ms_shared.header;
    record->thread_id = ms_sys_thread_id();
    record->start_ns = ms_sys_clock_monotonic_ns();
    record->end_ns = 0;
    record->state = MEMSCOPE_THREAD_RUNNING;
    ms_sys_thread_name(record->name);
    ms_add(&header->threads_started, 1u);
    uint32_t now = ms_add(&header->threads_now, 1u) + 1;
    uint32_t highest = ms_load(&header->threads_highest);
    while (now > highest && !ms_swap_if(&header->threads_highest, &highest, now))
        ;
}

enum { LARGE_TABLE = 1 << 16 };

static size_t table_bytes(uint64_t slot_count) {
    return (sizeof(struct ms_table_head) + slot_count * sizeof(struct ms_slot) + 4095) / 4096 *
           4096;
}

static bool make_table(struct ms_thread *thread, uint64_t slot_count) {
    size_t bytes = table_bytes(slot_count);
    struct ms_table_head *head = ms_sys_map_anonymous(bytes);
    if (!head)
        return false;
    (void)ms_sys_wipe_on_fork(head, bytes);
    if (thread->slots)
        *head = ((struct ms_table_head *)thread->slots)[-1];
    head->mask = (slot_count / MS_BUCKET - 1) * MS_BUCKET * sizeof(struct ms_slot);
    ms_release(&thread->slots, (struct ms_slot *)(head + 1));
    thread->slot_count = slot_count;
    thread->slots_used = 0;
    return true;
}

extern void *__libc_stack_end __attribute__((weak));

static uintptr_t main_stack_end(void) {
    return &__libc_stack_end ? (uintptr_t)__libc_stack_end : 0;
}

// The main thread's frames end where the process's stack began; what others run on, the kernel
// tells.
static struct ms_stack find_stack(void) {
    uintptr_t here = ms_stack_pointer(), low, high;
    uintptr_t main_high = main_stack_end();
    uintptr_t main_bytes = ms_sys_stack_limit();
    if (here < main_high && main_high - here < main_bytes &&
        ms_sys_thread_id() == ms_sys_process_id())
        return (struct ms_stack){main_high > main_bytes ? main_high - main_bytes : 0, main_high};
    if (!ms_sys_mapping(here, &low, &high))
        return (struct ms_stack){0, 0};
    // Whoever reads a word or two below `high` must stay inside.
    return (struct ms_stack){low, high - 2 * sizeof(uintptr_t)};
}

void ms_thread_fit_keys(const struct ms_tls *tls) {
    struct ms_table_head *head = ms_head_of(tls);
    head->key_pairs = ms_load(&ms_shared.key_pairs);
    head->key_low = head->key_pairs != 0 ? head->stack.low : UINTPTR_MAX;
}

void ms_thread_stack(const struct ms_stack *stack) {
    struct ms_table_head *head = ms_head_of(&ms_tls);
    head->stack = stack ? *stack : ms_tls.thread->stack;
    ms_thread_fit_keys(&ms_tls);
}

bool ms_thread_stack_has_grown(const struct ms_tls *tls, uintptr_t frame) {
    struct ms_stack *own = &tls->thread->stack;
    uintptr_t low, high;
    // What the limit allows need not be the stack's: its mapping tells.
    if (frame >= own->low || own->high != main_stack_end() || own->high != ms_stack_of(tls)->high ||
        own->high - frame >= ms_sys_stack_limit() || !ms_sys_mapping(frame, &low, &high) ||
        high < own->high)
        return false;
    own->low = low;
    ms_thread_stack(NULL);
    return true;
}

void ms_thread_attach(struct ms_thread *thread, const struct ms_stack *stack) {
    enum { FIRST_SLOTS = 256 };
    if (!thread)
        thread = ms_thread_prepare(0);
    if (!thread || (!thread->slots && !make_table(thread, FIRST_SLOTS))) {
        ms_thread_discard(thread);
        ms_count_loss(MEMSCOPE_LOSS_unnamed_threads, 1);
        return; // stays NEW: each of its events is counted by the slow path
    }
    start_record(thread);
    thread->tls = &ms_tls;
    ms_tls.thread = thread;
    ms_tls.record = thread->record;
    ms_tls.record_ref = thread->record_ref;
    ms_tls.last_block = NULL;
    ms_tls.top = ms_no_tasks_top;
    if (thread->tasks) // an ended thread's
        ms_tasks_begin_again(thread->tasks);
    ms_tls.slots = thread->slots;
    if (ms_config.depth > 0)
        thread->stack = stack ? *stack : find_stack();
    ms_thread_stack(NULL);
    ms_strategy_attach();
    ms_level_take_notice(&ms_tls);
    ms_tls.special = (ms_tls.special & ~(uint64_t)MS_SPECIAL_NEW) | ms_kept_flag();
}

void ms_thread_detach(void) {
    struct ms_thread *thread = ms_tls.thread;
    if (!thread || (ms_tls.special & MS_SPECIAL_EXITING))
        return;
    ms_strategy_publish();
    if (thread->tasks && !ms_single_threaded())
        ms_alive_publish(thread->tasks);
    ms_tls.special |= MS_SPECIAL_EXITING;
    ms_sys_thread_name(thread->record->name);
    thread->record->end_ns = ms_sys_clock_monotonic_ns();
    thread->record->state = MEMSCOPE_THREAD_EXITED;
    thread->tls = NULL;
    ms_add(&ms_shared.header->threads_now, (uint32_t)-1);
    ms_release(&thread->in_use, 0u);
}

static bool grow(struct ms_thread *thread, uint64_t most);

// A key beyond its bucket is one that the fast path does not see: where such keys are looked for
// again and again, another table has them elsewhere.
static void note_place(struct ms_thread *thread, uint64_t key, const struct ms_slot *slot) {
    enum { OFTEN = 256 };
    size_t distance = (size_t)(slot - ms_slot_of(&ms_tls, key)) % thread->slot_count;
    if (distance < MS_BUCKET || ++thread->found_outside < OFTEN)
        return;
    thread->found_outside = 0;
    if (thread->slot_count < LARGE_TABLE)
        (void)grow(thread, 0);
}

// A key of a cell without a brief record stands for itself with another bit: the fast path, which
// has no other record to give, does not find it.
static uint64_t key_in_table(uint64_t key, uint32_t brief) {
    const uint64_t hidden = 1ull << 62;
    return brief != 0 ? key : key ^ hidden;
}

struct memscope_cell_record *ms_thread_find_hashed(uint64_t key, uint64_t plain,
                                                   uint32_t class_ref) {
    struct ms_thread *thread = ms_tls.thread;
    struct ms_slot *slots = ms_tls.slots, *slot = ms_slot_of(&ms_tls, key);
    for (; slot->cell; slot = slot + 1 == &slots[thread->slot_count] ? slots : slot + 1) {
        struct memscope_cell_record *cell = slot->cell;
        if (slot->key != key_in_table(key, slot->brief) || slot->plain != plain ||
            cell->class_ref != class_ref)
            continue;
        note_place(thread, key, slot);
        return cell;
    }
    return NULL;
}

static void insert(struct ms_thread *thread, const struct ms_slot *what) {
    struct ms_slot *slot = ms_slot_of(&ms_tls, what->key);
    while (slot->cell)
        slot = slot + 1 == &thread->slots[thread->slot_count] ? thread->slots : slot + 1;
    slot->brief = what->brief;
    slot->plain = what->plain;
    slot->cell = what->cell;
    ms_release(&slot->key, what->key);
    thread->slots_used++;
}

// How full it may be: a quarter, a large one half; while it is not large, a sixteenth where a key's
// bucket is full, which alone the fast path looks at.
static uint64_t most_used(const struct ms_thread *thread, uint64_t key) {
    const struct ms_slot *bucket = ms_slot_of(&ms_tls, key);
    if (thread->slot_count >= LARGE_TABLE)
        return thread->slot_count / 2;
    return thread->slot_count / (bucket[0].cell && bucket[1].cell ? 16 : 4);
}

// `most` 0: in any case. The outgrown table stays mapped, empty: ms_threads_forget_addresses may be
// reading it, or a fast path that a signal handler interrupted, whose event grows it here.
static bool grow(struct ms_thread *thread, uint64_t most) {
    struct ms_slot *old = thread->slots;
    uint64_t old_count = thread->slot_count, held = 0;
    for (uint64_t i = 0; i < old_count; i++)
        held += old[i].key != 0;
    // Mostly keys that were taken away: the same size will do.
    if (!make_table(thread,
                    held < most / 2 ? old_count : old_count * (old_count < LARGE_TABLE ? 4 : 2)))
        return false;
    ms_tls.slots = thread->slots;
    for (uint64_t i = 0; i < old_count; i++)
        if (old[i].key != 0)
            insert(thread, &old[i]);
    ms_sys_discard((struct ms_table_head *)old - 1, table_bytes(old_count));
    return true;
}

bool ms_thread_remember_hashed(uint64_t key, uint64_t plain, struct memscope_cell_record *cell) {
    struct ms_thread *thread = ms_tls.thread;
    uint64_t most = most_used(thread, key);
    if (thread->slots_used >= most && !grow(thread, most) &&
        thread->slots_used >= thread->slot_count - thread->slot_count / 4)
        return false;
    uint32_t brief = ms_brief_of(cell);
    insert(thread,
           &(struct ms_slot){
               .key = key_in_table(key, brief), .cell = cell, .brief = brief, .plain = plain});
    return true;
}

void ms_thread_remember_again(uint64_t key, struct memscope_cell_record *cell) {
    struct ms_thread *thread = ms_tls.thread;
    for (uint64_t i = 0; i < thread->slot_count; i++)
        if (thread->slots[i].cell == cell)
            thread->slots[i].plain = MS_PLAIN_ALIAS;
    (void)ms_thread_remember_hashed(key, MS_PLAIN_CONTEXT, cell);
}

// An alias is forgotten whatever it is of: the slow path finds its cell again.
static bool is_of(const struct ms_slot *slot, uintptr_t start, uintptr_t end) {
    if (slot->plain == MS_PLAIN_ALIAS || slot->plain == MS_PLAIN_SAMPLE)
        return true;
    if (slot->plain == MS_PLAIN_CONTEXT)
        return ms_context_is_in(slot->cell->context_ref, start);
    uint64_t plain = ms_task_plain_key(slot->plain, slot->cell);
    uintptr_t address = (uintptr_t)(plain & ~MS_KEY_FOREIGN);
    return (plain & MS_KEY_FOREIGN) && address >= start && address < end;
}

// A slot whose key is taken away keeps its cell, so that probing goes on past it, and whoever sums
// up the table still finds it once.
void ms_threads_forget_addresses(uintptr_t start, uintptr_t end) {
    for (struct ms_thread *thread = ms_acquire(&ms_threads); thread; thread = thread->next) {
        struct ms_slot *slots = ms_acquire(&thread->slots);
        for (uint64_t i = 0; slots && i < thread->slot_count; i++) {
            uint64_t key = ms_acquire(&slots[i].key); // pairs with insert
            if (key != 0 && is_of(&slots[i], start, end))
                (void)ms_swap_if(&slots[i].key, &key, (uint64_t)0);
        }
        ms_lookup_forget(&thread->lookup, start, end);
        ms_context_forget(ms_acquire(&thread->contexts), start, end);
    }
}

void ms_threads_restart(void) {
    ms_threads = NULL;
    records_made = 0;
    ms_tasks_restart();
    ms_fibers_restart();
    ms_tls.special = (ms_tls.special & (MS_SPECIAL_GUARD | MS_SPECIAL_OFF)) | MS_SPECIAL_NEW;
    ms_tls.thread = NULL;
    ms_thread_attach(NULL, NULL);
}
