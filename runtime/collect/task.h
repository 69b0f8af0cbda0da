// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks: coroutines, fibers and scopes, each with a record of its own in the profile
// (memscope_task_record). The thread that runs a task is the only writer of its own counters;
// suspending releases them to whoever resumes it; everybody else counts atomically.
//
// A block of a task is known by its cell (MEMSCOPE_CELL_TASK) and by its task word: four bytes for
// every 32 bytes of heap, beside the shadow (shadow.h), mapped where tasks allocate.
//
//   tls.top ─▶ [ root task | … | the running task | 0 … ]   the thread's shadow stack, in a region
//   whose first page is its struct ms_tasks
//
// An entry is ready when it holds the word of the tasks that may be pushed there without a look at
// anything else (`expected`); entries are made ready as the stack grows, and the one after them is
// the barrier. A fork child finds the whole region zero.
//
// Between suspend and pop a task stands on the shadow stack as LEAVING: another thread may run it
// already, so what await_suspend allocates here is counted atomically (late_*), and the record is
// not used again before the pop. The mark is written before the suspension is published, so whoever
// ends the task sees it.

#ifndef MS_TASK_H
#define MS_TASK_H

#include "lookup.h"
#include "thread.h"

// In the low bits of a task's address.
enum ms_mark {
    MS_MARK_RUNNING = 0,
    MS_MARK_LEAVING = 1,    // between suspend and pop
    MS_MARK_UNFOLLOWED = 2, // a task without a record: counted with the one below
    MS_MARKS = 3,
    MS_MARK_VERIFIED = 4, // beside these: so that hooks in line call
};

struct ms_running {
    uint64_t
        task; // its address (0: the thread's root task) and its mark; 0 = above the top. Atomic
    uint64_t expected; // the word of a task that may be pushed here, or:
};
#define MS_EXPECTED_BARRIER UINT64_MAX    // not ready yet, or the stack's end
#define MS_EXPECTED_NONE (UINT64_MAX - 1) // ready, for hooks that are called

// A region's size and alignment: more nested resumptions than a thread's stack of 8 MiB has room
// for.
#define MS_TASKS_REGION (4ull << 20)

enum { MS_TASKS_KEPT = 32, MS_FRAMES_RECENT = 64, MS_FOLDS_RECENT = 16, MS_SUSPENDED = 64 };

// Where a task is suspended, by the latest suspension that a hook of the thread was told of.
// Another suspension of the task comes after another number of resumptions, or after
// coro_unsuspend.
struct ms_suspended {
    uint64_t id;
    uint32_t resumes;
    uint32_t line; // 0 = unknown
};

// What a thread needs to run tasks; made at its first one.
struct ms_tasks {
    struct ms_running *stack; // its bottom: the root task
    struct ms_tasks *next;    // of all threads', newest first

    // Between coro_alloc and coro_begin: the task whose frame is about to be allocated, and of
    // which coroutine.
    struct memscope_task_record *coming;
    const struct memscope_coroutine *coming_coroutine;
    uint64_t coming_bytes;

    // Tasks whose frames have no task word (recycled by a library), the latest by address.
    struct ms_recent_frame {
        uintptr_t frame;
        uint64_t ref;
    } recent_frames[MS_FRAMES_RECENT];

    struct memscope_task_fold_record *last_folds[MS_FOLDS_RECENT]; // of classes that ended here

    // The one that ended last here, if nothing but its frame was left of it: that is about to be
    // freed. A hint: whoever follows it looks whether it still is so.
    struct memscope_task_record *ending;

    struct memscope_task_record *idle; // records to use again, linked by runtime[0]
    uint64_t idle_count;
    struct memscope_task_record *deferred; // the same, but LEAVING somewhere
    uint64_t next_id, last_id;

    struct ms_suspended suspended[MS_SUSPENDED]; // by the low bits of the task's id

    struct ms_fiber *fiber;        // that runs on this thread now (fiber.h)
    struct ms_running *fiber_base; // its own entry
    struct ms_fiber *jumped_from;  // fcontext: who jumped here

    struct memscope_task_record *kept[MS_TASKS_KEPT]; // the heaviest that ended here
    uint64_t kept_count;
    uint64_t lightest; // of the kept

    // Of task_alive.h.
    int64_t alive_room;
    uint64_t alive_highest; // while no other thread ran
    bool alive_is_shared;   // alive_room is of what is not published
};

extern struct ms_tasks *ms_all_tasks;

// Coroutines that wait for their first resumption; never 0 where suspensions are verified. Hooks in
// line read it (abi.h).
extern MS_INTERNAL uint64_t ms_tasks_not_started __asm__(MEMSCOPE_INLINE_NOT_STARTED);

// What a coroutine that is not followed has for a task: a record that no hook changes.
extern MS_INTERNAL struct memscope_task_record ms_unfollowed;

// The calling thread's; NULL = no memory. Under the guard, of an attached thread. Makes the
// strategy one that knows tasks.
struct ms_tasks *ms_tasks_of_thread(void);

// Another thread goes on with it.
void ms_tasks_begin_again(struct ms_tasks *tasks);
// A fork child: forget all.
void ms_tasks_restart(void);

// ---- task words --------------------------------------------------------------------------------

// Biased: the word of address a is at leaf + (a >> 5) * 4. The table is mapped for the first task:
// programs without any keep the addresses.
extern char **ms_task_leaves;

MS_HOT uint32_t *ms_task_word_at(uintptr_t address) {
    char **leaves = ms_load(&ms_task_leaves);
    if (MS_UNLIKELY(!leaves))
        return NULL;
    char *leaf = ms_load(&leaves[address >> 26 & ((1ull << (MS_ADDRESS_BITS - 26)) - 1)]);
    return MS_LIKELY(leaf) ? (uint32_t *)(leaf + (address >> 5 << 2)) : NULL;
}

// The same on a thread that runs tasks: there is a table.
MS_HOT uint32_t *ms_task_word_here(uintptr_t address) {
    char *leaf =
        ms_load(&ms_load(&ms_task_leaves)[address >> 26 & ((1ull << (MS_ADDRESS_BITS - 26)) - 1)]);
    return MS_LIKELY(leaf) ? (uint32_t *)(leaf + (address >> 5 << 2)) : NULL;
}

char **ms_task_leaves_once(void); // NULL = no memory

uint32_t *ms_task_word_slow(uintptr_t address); // maps the leaf; NULL = no memory

// ---- records -----------------------------------------------------------------------------------

MS_HOT uint32_t ms_task_ref(const struct memscope_task_record *task) {
    return (uint32_t)(((uintptr_t)task - (uintptr_t)ms_shared.units) / MEMSCOPE_UNIT_BYTES);
}

// NULL where a hook was given none of this process's: NULL, ms_unfollowed, or a forebear's before a
// fork, whose addresses stay taken (ms_arena_forget).
MS_HOT struct memscope_task_record *ms_task_in(void *task) {
    uint64_t above = (uint64_t)((char *)task - (char *)ms_shared.header);
    uint64_t bytes = (uint64_t)ms_load(&ms_shared.ref_count) * MEMSCOPE_UNIT_BYTES;
    return MS_LIKELY(above < bytes) ? task : NULL;
}

// NULL where the ref names none of this process's: 0, or a forebear's before a fork.
MS_HOT struct memscope_task_record *ms_task_of(uint32_t ref) {
    return ms_ref_is_ours(ref) ? ms_ref(ref) : NULL;
}

// The task whose frame begins at `address`, or whose promise does; NULL = none known. What a
// library recycles frames from is found while it is among the latest that began on the calling
// thread.
struct memscope_task_record *ms_task_at(uintptr_t address);

MS_HOT struct ms_recent_frame *ms_recent_frame(struct ms_tasks *tasks, uintptr_t frame) {
    return &tasks->recent_frames[frame / 64 % MS_FRAMES_RECENT];
}

static inline struct ms_suspended *ms_suspended_of(struct ms_tasks *tasks,
                                                   const struct memscope_task_record *task) {
    return &tasks->suspended[task->id % MS_SUSPENDED];
}

// Adds where other threads may write too: plainly while there are none.
MS_HOT uint64_t ms_bump(uint64_t *place, uint64_t value) {
    if (!ms_single_threaded())
        return __atomic_fetch_add(place, value, __ATOMIC_ACQ_REL);
    uint64_t before = *place;
    ms_store(place, before + value);
    return before;
}

// A task of a class is beginning: its record, state CREATED, parent set to what runs now. NULL = no
// room (counted).
struct memscope_task_record *ms_task_new(struct ms_tasks *tasks,
                                         struct memscope_task_fold_record *fold);
// It never began.
void ms_task_discard(struct ms_tasks *tasks, struct memscope_task_record *task);
// It is over: counted in its class, its record used again when its last block is freed.
void ms_task_ended(struct ms_tasks *tasks, struct memscope_task_record *task);

void ms_task_set_parent(struct memscope_task_record *task,
                        const struct memscope_task_record *parent, enum memscope_task_edge edge,
                        enum memscope_edge_rule rule);
// As ms_task_set_parent by EDGE_AWAIT; `line`: where the parent is suspended for it, 0 = unknown.
void ms_task_set_awaiter(struct memscope_task_record *task,
                         const struct memscope_task_record *parent, enum memscope_edge_rule rule,
                         uint32_t line);

// ---- the shadow stack --------------------------------------------------------------------------

// What a thread that has run no task has for a stack: its top is the second entry. A hook in line
// that a fork in a signal handler has cut in two may move that by one.
enum { MS_NO_TASKS_BYTES = 64 };
extern MS_INTERNAL struct ms_running ms_no_tasks[MS_NO_TASKS_BYTES / sizeof(struct ms_running)];
#define ms_no_tasks_top (&ms_no_tasks[1])

MS_HOT bool ms_has_tasks(const struct ms_tls *tls) {
    uintptr_t start = (uintptr_t)tls->top & ~(uintptr_t)(MS_NO_TASKS_BYTES - 1);
    return MS_LIKELY(start != (uintptr_t)ms_no_tasks);
}

// Of a thread that has run tasks.
MS_HOT struct ms_tasks *ms_tasks_in(const struct ms_running *top) {
    return (struct ms_tasks *)((uintptr_t)top & ~(MS_TASKS_REGION - 1));
}

// Not where the stack is a fork child's inheritance, which it lays down here.
static inline bool ms_has_own_tasks(struct ms_tls *tls) {
    if (ms_has_tasks(tls) && !ms_tasks_in(tls->top)->stack)
        tls->top = ms_no_tasks_top;
    return ms_has_tasks(tls);
}

// As ms_tasks_of_thread, which a thread with a shadow stack has been through.
MS_HOT struct ms_tasks *ms_tasks_here(const struct ms_tls *tls) {
    return ms_has_tasks(tls) ? ms_tasks_in(tls->top) : ms_tasks_of_thread();
}

MS_HOT enum ms_mark ms_mark_of(const struct ms_running *entry) {
    return (enum ms_mark)(entry->task & MS_MARKS);
}

// NULL = the root task.
MS_HOT struct memscope_task_record *ms_task_on(const struct ms_running *entry) {
    const uint64_t marks = MEMSCOPE_UNIT_BYTES - 1;
    return (void *)(uintptr_t)(entry->task & ~marks); // NOLINT(performance-no-int-to-ptr)
}

// NULL also where a mark stands beside it.
MS_HOT struct memscope_task_record *ms_task_just_running(const struct ms_running *entry) {
    uint64_t task = entry->task;
    const uint64_t marks = MEMSCOPE_UNIT_BYTES - 1;
    return MS_LIKELY((task & marks) == 0) ? (void *)(uintptr_t)task : NULL; // NOLINT
}

MS_HOT struct memscope_task_record *ms_task_running(const struct ms_tls *tls) {
    return ms_task_on(tls->top);
}

MS_HOT void ms_mark(struct ms_running *entry, enum ms_mark mark) {
    ms_store(&entry->task, (entry->task & ~(uint64_t)MS_MARKS) | mark);
}

// The entry above the top is the barrier: makes the next ones ready. False = the stack ends here.
MS_COLD bool ms_tasks_grow(struct ms_tls *tls);

extern MS_INTERNAL uint64_t ms_tasks_verified; // MS_MARK_VERIFIED or 0

// False = the stack is full: the task runs unfollowed.
MS_HOT bool ms_tasks_push(struct ms_tls *tls, const struct memscope_task_record *task,
                          enum ms_mark mark) {
    struct ms_running *entry = tls->top + 1;
    if (MS_UNLIKELY(entry->expected == MS_EXPECTED_BARRIER && !ms_tasks_grow(tls)))
        return false;
    ms_store(&entry->task, (uint64_t)(uintptr_t)task | mark | ms_tasks_verified);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    tls->top = entry;
    return true;
}

// The same where the entry is known to be ready.
MS_HOT void ms_tasks_push_ready(struct ms_tls *tls, const struct memscope_task_record *task) {
    struct ms_running *entry = tls->top + 1;
    ms_store(&entry->task,
             (uint64_t)(uintptr_t)task | MS_MARK_RUNNING | ms_load(&ms_tasks_verified));
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    tls->top = entry;
}

MS_HOT void ms_tasks_pop(struct ms_tls *tls) {
    struct ms_running *entry = tls->top;
    tls->top = entry - 1; // first: a signal handler counts with what is below, and leaves 0 above
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    ms_release(&entry->task, (uint64_t)0); // pairs with the scan in task.c
}

// `task` must be the top. Where it stands deeper, what is above was left without a word (longjmp)
// and is dropped; where it is not there at all, false. Either is a counted mistake.
bool ms_tasks_unwind_to(struct ms_tls *tls, const struct memscope_task_record *task);

// ---- counting ----------------------------------------------------------------------------------

// A key that holds for one task class alone. Keys of root tasks have bit 62 clear (tls.h), so the
// two kinds never meet; two classes' may, which is why cells are compared with their class, too.
#define MS_KEY_TASK (1ull << 62)

MS_HOT uint64_t ms_task_key(uint64_t key, uint32_t class_ref) {
    return (key ^ ((uint64_t)class_ref * MS_KEY_FACTOR >> 2)) | MS_KEY_TASK;
}

static inline uint64_t ms_task_plain_key(uint64_t key, const struct memscope_cell_record *cell) {
    if (!(key & MS_KEY_TASK))
        return key;
    return (key & ~MS_KEY_TASK) ^ ((uint64_t)cell->class_ref * MS_KEY_FACTOR >> 2);
}

MS_HOT void ms_task_allocate(struct memscope_task_record *task, uint64_t bytes) {
    task->allocations++;
    uint64_t total = task->bytes += bytes;
    uint64_t live =
        total + ms_load(&task->late_bytes) - task->freed_bytes - ms_load(&task->remote_freed_bytes);
    if ((int64_t)live > (int64_t)ms_load(&task->peak_bytes))
        ms_store(&task->peak_bytes, live);
}

// Of a task that is leaving: other threads may be writing its own counters.
void ms_task_allocate_late(struct memscope_task_record *task, uint64_t bytes);

// Is `block` its frame?
MS_HOT bool ms_task_is_frame(const struct memscope_task_record *task, const void *block) {
    return (task->record.flags & MEMSCOPE_TASK_FRAME_COUNTED) &&
           ms_load(&task->runtime[0]) == (uint64_t)(uintptr_t)block;
}

// A block counted in `cell` was freed by this thread: its task's part, and who freed whose.
void ms_task_free(struct ms_tls *tls, const struct memscope_cell_record *cell, const void *block,
                  uint64_t bytes);

// The same inside a hook of the same thread: nothing but the task's counters. A record whose last
// block is freed so is not used again.
void ms_task_free_inside_hook(const struct memscope_cell_record *cell, const void *block,
                              uint64_t bytes);

#endif
