// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "task.h"

#include "base/config.h"
#include "context/context.h"
#include "fiber.h"
#include "store/arena.h"
#include "strategy/strategy.h"
#include "task_class.h"
#include "task_life.h"

#include <stddef.h>

struct ms_tasks *ms_all_tasks;
uint64_t ms_tasks_not_started;
uint64_t ms_tasks_verified;
MS_ALIGNED(MS_NO_TASKS_BYTES)
struct ms_running ms_no_tasks[] = {
    {0, MS_EXPECTED_BARRIER},
    {0, MS_EXPECTED_BARRIER},
    {0, MS_EXPECTED_BARRIER},
    {0, MS_EXPECTED_BARRIER},
};
// Its word is no entry's, a wiped one's included.
struct memscope_task_record ms_unfollowed = {.state = MEMSCOPE_TASK_KEPT};

// What the pass writes out in line (abi.h).
#define AT(type, field, offset)                                                                    \
    _Static_assert(offsetof(struct type, field) == (offset), "as the pass knows it")
AT(ms_tls, top, MEMSCOPE_INLINE_THREAD_TOP);
AT(ms_running, task, 0);
AT(ms_running, expected, MEMSCOPE_INLINE_ENTRY_EXPECTED);
AT(memscope_task_record, state, MEMSCOPE_INLINE_TASK_WORD);
AT(memscope_task_record, thread_ref, MEMSCOPE_INLINE_TASK_WORD + 4);
AT(memscope_task_record, resumes, MEMSCOPE_INLINE_TASK_RESUMES);
_Static_assert(sizeof(struct ms_running) == MEMSCOPE_INLINE_ENTRY_BYTES &&
                   __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ &&
                   (int)MS_MARK_RUNNING == MEMSCOPE_INLINE_MARK_RUNNING &&
                   (int)MS_MARK_LEAVING == MEMSCOPE_INLINE_MARK_LEAVING &&
                   (int)MEMSCOPE_TASK_RUNNING == MEMSCOPE_INLINE_STATE_RUNNING &&
                   (int)MEMSCOPE_TASK_SUSPENDED == MEMSCOPE_INLINE_STATE_SUSPENDED,
               "as the pass knows it");

// ---- a thread's part ---------------------------------------------------------------------------

static char *map_aligned(uint64_t bytes) {
    char *mapping = ms_sys_map_anonymous(2 * bytes);
    if (!mapping)
        return NULL;
    char *start = (char *)(((uintptr_t)mapping + bytes - 1) & ~(bytes - 1));
    if (start != mapping)
        ms_sys_unmap(mapping, (size_t)(start - mapping));
    if (start != mapping + bytes)
        ms_sys_unmap(start + bytes, (size_t)(mapping + bytes - start));
    return start;
}

enum { READY_AT_ONCE = 256 };

static void make_ready(struct ms_running *first, struct ms_running *barrier) {
    uint64_t word = (uint64_t)ms_tls.record_ref << 32 | MEMSCOPE_TASK_SUSPENDED;
    if (ms_tasks_verified)
        word = MS_EXPECTED_NONE;
    barrier->expected = MS_EXPECTED_BARRIER;
    // From above: to a signal handler the first one is the barrier until all are ready.
    for (struct ms_running *entry = barrier; entry-- > first;) {
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        entry->expected = word;
    }
}

bool ms_tasks_grow(struct ms_tls *tls) {
    if (!ms_has_tasks(tls))
        return false;
    struct ms_running *first = tls->top + 1;
    char *end = (char *)ms_tasks_in(tls->top) + MS_TASKS_REGION;
    // A hook in line looks at the entry above the top: the last one is never taken.
    struct ms_running *last =
        (struct ms_running *)(void *)end - 1; // NOLINT(bugprone-casting-through-void)
    if (first == last)
        return false;
    make_ready(first, last - first > READY_AT_ONCE ? first + READY_AT_ONCE : last);
    return true;
}

void ms_tasks_begin_again(struct ms_tasks *tasks) {
    tasks->coming = NULL;
    tasks->fiber = NULL;
    tasks->stack->task = MS_MARK_RUNNING;
    for (struct ms_running *entry = tasks->stack + 1; entry->task != 0; entry++)
        ms_store(&entry->task, (uint64_t)0);
    make_ready(tasks->stack + 1, tasks->stack + READY_AT_ONCE - 1);
    ms_tls.top = tasks->stack;
    ms_tls.special = (ms_tls.special & ~(MS_SPECIAL_SAMPLES | MS_SPECIAL_TICK)) | MS_SPECIAL_TASKS;
}

static struct ms_tasks *new_tasks(void) {
    enum { PAGE = 4096 };
    _Static_assert(sizeof(struct ms_tasks) <= PAGE, "before the stack");
    char *region = ms_task_leaves_once() ? map_aligned(MS_TASKS_REGION) : NULL;
    if (!region)
        return NULL;
    (void)ms_sys_wipe_on_fork(region, MS_TASKS_REGION);
    struct ms_tasks *tasks = (void *)region;
    tasks->stack = (void *)(region + PAGE);
    struct ms_tasks *first = ms_acquire(&ms_all_tasks);
    do
        tasks->next = first;
    while (!ms_swap_if(&ms_all_tasks, &first, tasks));
    return tasks;
}

struct ms_tasks *ms_tasks_of_thread(void) {
    struct ms_thread *thread = ms_tls.thread;
    if (!thread)
        return NULL;
    if (!thread->tasks) {
        if (!(thread->tasks = new_tasks()))
            return NULL;
        ms_tasks_begin_again(thread->tasks);
    }
    ms_strategy_upgrade(MEMSCOPE_UPGRADE_TASK_STARTED, 0);
    return thread->tasks;
}

// ---- records -----------------------------------------------------------------------------------

void ms_task_take_ids(struct ms_tasks *tasks) {
    const uint64_t range = 64;
    tasks->next_id = ms_bump(&ms_shared.header->tasks_started, range);
    tasks->last_id = tasks->next_id + range;
}

static inline bool is_leaving_on(const struct ms_tasks *tasks,
                                 const struct memscope_task_record *task) {
    uint64_t leaving = (uint64_t)(uintptr_t)task | MS_MARK_LEAVING, seen;
    for (const struct ms_running *entry = tasks->stack + 1; (seen = ms_acquire(&entry->task)) != 0;
         entry++)
        if ((seen & ~(uint64_t)MS_MARK_VERIFIED) == leaving)
            return true;
    return false;
}

MS_NOINLINE static bool is_leaving_anywhere(const struct memscope_task_record *task) {
    for (struct ms_tasks *tasks = ms_acquire(&ms_all_tasks); tasks; tasks = tasks->next)
        if (is_leaving_on(tasks, task))
            return true;
    return false;
}

// Stands the task, which has ended, on a shadow stack, suspending? (task.h says why that is seen.)
// One that has run on this thread alone can only stand here, unless a fiber has carried it away.
static inline bool is_leaving(const struct ms_tasks *tasks,
                              const struct memscope_task_record *task) {
    bool is_here = task->migrations == 0 && task->thread_ref == ms_tls.record_ref;
    return MS_LIKELY(is_here && ms_load(&ms_fibers_made) == 0) ? is_leaving_on(tasks, task)
                                                               : is_leaving_anywhere(task);
}

static void link_idle(struct memscope_task_record **list, struct memscope_task_record *task) {
    ms_store(&task->runtime[0], (uint64_t)(uintptr_t)*list);
    *list = task;
}

static struct memscope_task_record *unlink_idle(struct memscope_task_record **list) {
    struct memscope_task_record *task = *list;
    if (task)
        *list = (void *)(uintptr_t)task->runtime[0];
    return task;
}

// Tasks that begin on one thread and end on another would pile up there: what a thread has too many
// of goes to all, a batch at a time. `spare` is a stack of batches, each linked to the next by its
// first record's runtime[1]: the ref of that in the low half, and a count in the high half, so that
// a compare-and-swap sees that what it read has been away.
static uint64_t spare;

void ms_task_give_spare(struct ms_tasks *tasks) {
    struct memscope_task_record *first = tasks->idle;
    tasks->idle = NULL;
    tasks->idle_count = 0;
    uint64_t seen = ms_acquire(&spare), wanted;
    do {
        ms_store(&first->runtime[1], seen & UINT32_MAX);
        wanted = ms_task_ref(first) | ((seen >> 32) + 1) << 32;
    } while (!ms_swap_if(&spare, &seen, wanted));
}

MS_COLD static void take_spare(struct ms_tasks *tasks) {
    uint64_t seen = ms_acquire(&spare), wanted;
    struct memscope_task_record *first;
    do {
        if (!(first = ms_task_of((uint32_t)seen)))
            return;
        wanted = (ms_load(&first->runtime[1]) & UINT32_MAX) | ((seen >> 32) + 1) << 32;
    } while (!ms_swap_if(&spare, &seen, wanted));
    tasks->idle = first;
    tasks->idle_count = MS_TASKS_BATCH;
}

void ms_tasks_restart(void) {
    ms_all_tasks = NULL;
    spare = 0;
}

// Does its last block's free end its record? Only once it has ended.
static inline bool is_empty(const struct memscope_task_record *task) {
    uint64_t remote = ms_acquire(&task->remote_frees);
    return (remote & MEMSCOPE_TASK_ENDED) != 0 &&
           (remote & ~MEMSCOPE_TASK_ENDED) ==
               task->allocations + ms_load(&task->late_allocations) - task->frees;
}

// The heaviest that ended on this thread.
struct memscope_task_record *ms_task_keep(struct ms_tasks *tasks,
                                          struct memscope_task_record *task) {
    struct memscope_task_record *lightest = NULL;
    uint64_t at = tasks->kept_count;
    if (at < MS_TASKS_KEPT) {
        tasks->kept_count++;
    } else {
        at = tasks->lightest;
        lightest = tasks->kept[at];
    }
    tasks->kept[at] = task;
    ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_KEPT);
    for (uint64_t i = 0; i < tasks->kept_count; i++)
        if (tasks->kept[i]->peak_bytes < tasks->kept[tasks->lightest]->peak_bytes)
            tasks->lightest = i;
    return lightest;
}

// Signal handlers inside a hook retire nothing, so one thread alone needs no atomic.
static inline bool take_outlived(struct memscope_task_record *task) {
    uint32_t outlived = MEMSCOPE_TASK_OUTLIVED;
    if (!ms_single_threaded())
        return ms_swap_if(&task->state, &outlived, (uint32_t)MEMSCOPE_TASK_FREE);
    if (ms_load(&task->state) != outlived)
        return false;
    ms_store(&task->state, (uint32_t)MEMSCOPE_TASK_FREE);
    return true;
}

// Exactly one caller wins the state; a task that is still leaving waits on the winner's list.
static inline void retire(struct ms_tasks *tasks, struct memscope_task_record *task) {
    if (!is_empty(task) || !take_outlived(task))
        return;
    if (MS_UNLIKELY(is_leaving(tasks, task)))
        link_idle(&tasks->deferred, task);
    else
        ms_task_recycle(tasks, task);
}

// What was leaving may have popped, or allocated before it did.
MS_COLD static void retry_deferred(struct ms_tasks *tasks) {
    struct memscope_task_record *waiting = tasks->deferred, *task;
    tasks->deferred = NULL;
    while ((task = unlink_idle(&waiting)) != NULL) {
        if (is_leaving(tasks, task)) {
            link_idle(&tasks->deferred, task);
        } else if (is_empty(task)) {
            ms_task_recycle(tasks, task);
        } else {
            ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_OUTLIVED);
            retire(tasks, task); // its last block may have been freed meanwhile
        }
    }
}

static struct memscope_task_record *new_record(void) {
    struct memscope_task_record *task;
    uint32_t ref;
    enum { UNITS = (sizeof *task + MEMSCOPE_UNIT_BYTES - 1) / MEMSCOPE_UNIT_BYTES };
    task = ms_arena_take(UNITS, true, &ref);
    if (task)
        ms_arena_publish(task, MEMSCOPE_RECORD_TASK);
    return task;
}

static inline struct memscope_task_record *take_record(struct ms_tasks *tasks) {
    if (MS_UNLIKELY(tasks->deferred != NULL))
        retry_deferred(tasks);
    if (MS_UNLIKELY(!tasks->idle))
        take_spare(tasks);
    struct memscope_task_record *task = tasks->idle;
    if (MS_UNLIKELY(!task))
        return new_record();
    tasks->idle = (void *)(uintptr_t)task->runtime[0];
    tasks->idle_count--;
    ms_task_wipe(task);
    return task;
}

void ms_task_set_parent(struct memscope_task_record *task,
                        const struct memscope_task_record *parent, enum memscope_task_edge edge,
                        enum memscope_edge_rule rule) {
    task->parent_id = parent ? parent->id : 0;
    task->parent_ref = parent ? ms_task_ref(parent) : ms_tls.record_ref;
    task->edge = (uint16_t)edge;
    task->edge_rule = (uint16_t)rule;
}

void ms_task_set_awaiter(struct memscope_task_record *task,
                         const struct memscope_task_record *parent, enum memscope_edge_rule rule,
                         uint32_t line) {
    const struct memscope_task_class_record *class = ms_ref(task->class_ref);
    ms_task_set_parent(task, parent, MEMSCOPE_EDGE_AWAIT, rule);
    if (class->record.flags & MEMSCOPE_TASK_CLASS_YIELDS)
        line = 0;
    if (parent && ms_config.depth != 0)
        task->awaiter_ref = ms_context_awaiter(task->class_ref, parent->awaiter_ref, line);
}

MS_COLD static void note_awaiter(struct memscope_task_fold_record *fold) {
    if (ms_config.depth != 0)
        fold->awaiter_ref = ms_context_awaiter(fold->class_ref, 0, 0);
}

struct memscope_task_record *ms_task_new(struct ms_tasks *tasks,
                                         struct memscope_task_fold_record *fold) {
    uint64_t now = ms_sys_clock_coarse_ns();
    struct memscope_task_record *task = fold ? take_record(tasks) : NULL;
    if (MS_UNLIKELY(!task)) {
        ms_count_loss(MEMSCOPE_LOSS_unfollowed_tasks, 1);
        return NULL;
    }
    if (MS_UNLIKELY(fold->awaiter_ref == 0))
        note_awaiter(fold);
    ms_task_fill(&ms_tls, tasks, task, fold, now);
    return task;
}

void ms_task_discard(struct ms_tasks *tasks, struct memscope_task_record *task) {
    struct memscope_task_fold_record *fold = ms_fold_of_class(task->class_ref);
    if (fold)
        fold->started--;
    ms_alive_end(tasks);
    ms_task_put_idle(tasks, task);
}

static inline void note_outlived(struct memscope_task_record *task, uint64_t late_bytes) {
    bool frame = (task->record.flags & MEMSCOPE_TASK_FRAME_COUNTED) != 0;
    uint64_t blocks = task->allocations + ms_load(&task->late_allocations) - task->frees -
                      ms_load(&task->remote_frees) - (frame ? 1 : 0);
    uint64_t bytes = task->bytes + late_bytes - task->freed_bytes -
                     ms_load(&task->remote_freed_bytes) - (frame ? task->runtime[1] : 0);
    task->outlived_blocks = blocks < UINT32_MAX ? (uint32_t)blocks : UINT32_MAX;
    task->outlived_bytes = bytes;
}

// The usual end: nothing but its frame is left, or nothing at all, and no other thread knows of it.
// So it has no part in any race, and no atomic is needed.
static inline bool ends_alone(const struct ms_tasks *tasks,
                              const struct memscope_task_record *task) {
    uint64_t frame = (task->record.flags & MEMSCOPE_TASK_FRAME_COUNTED) != 0;
    uint64_t others = task->allocations - frame - task->frees - ms_acquire(&task->remote_frees);
    return others == 0 && ms_load(&task->late_allocations) == 0 && task->migrations == 0 &&
           task->thread_ref == ms_tls.record_ref && ms_load(&ms_fibers_made) == 0 &&
           !is_leaving_on(tasks, task);
}

static inline void end_alone(struct ms_tasks *tasks, struct memscope_task_record *task,
                             struct memscope_task_fold_record *fold) {
    ms_fold_task(fold, task, task->bytes, 0);
    ms_store(&task->late_bytes, MEMSCOPE_TASK_FOLDED);
    bool leaves_frame = (task->record.flags & MEMSCOPE_TASK_FRAME_COUNTED) != 0;
    if (leaves_frame)
        ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_OUTLIVED);
    ms_release(&task->remote_frees, ms_load(&task->remote_frees) | MEMSCOPE_TASK_ENDED);
    tasks->ending = leaves_frame ? task : NULL;
    if (!leaves_frame)
        ms_task_recycle(tasks, task);
}

static inline struct memscope_task_fold_record *fold_of(struct ms_tasks *tasks,
                                                        uint32_t class_ref) {
    struct memscope_task_fold_record **last = &tasks->last_folds[class_ref / 2 % MS_FOLDS_RECENT];
    if (MS_UNLIKELY(!*last || (*last)->class_ref != class_ref))
        *last = ms_fold_of_class(class_ref);
    return *last;
}

void ms_task_ended(struct ms_tasks *tasks, struct memscope_task_record *task) {
    task->ended_ns = ms_sys_clock_coarse_ns();
    if (MS_UNLIKELY(tasks->deferred != NULL)) // this thread may never begin one
        retry_deferred(tasks);
    struct memscope_task_fold_record *fold = fold_of(tasks, task->class_ref);
    ms_alive_end(tasks);
    if (MS_LIKELY(fold && ends_alone(tasks, task))) {
        end_alone(tasks, task, fold);
        return;
    }
    tasks->ending = NULL;
    uint64_t late_bytes = ms_bump(&task->late_bytes, MEMSCOPE_TASK_FOLDED);
    note_outlived(task, late_bytes);
    if (fold)
        ms_fold_task(fold, task, task->bytes + late_bytes, task->outlived_bytes);
    ms_release(&task->state, (uint32_t)MEMSCOPE_TASK_OUTLIVED);
    ms_bump(&task->remote_frees, MEMSCOPE_TASK_ENDED);
    retire(tasks, task);
}

bool ms_tasks_unwind_to(struct ms_tls *tls, const struct memscope_task_record *task) {
    ms_count_loss(MEMSCOPE_LOSS_task_mistakes, 1);
    const struct ms_running *bottom = ms_tasks_in(tls->top)->stack;
    struct ms_running *entry = tls->top;
    while (entry > bottom && ms_task_on(entry) != task)
        entry--;
    if (entry == bottom)
        return false;
    while (tls->top != entry) {
        if (ms_mark_of(tls->top) == MS_MARK_RUNNING) // may still be resumed, or ended
            ms_release(&ms_task_running(tls)->state, (uint32_t)MEMSCOPE_TASK_SUSPENDED);
        ms_tasks_pop(tls);
    }
    return true;
}

// ---- what await_suspend allocates ---------------------------------------------------------------

// 0 = another thread runs the task, and writes what would be read here (hence no ThreadSanitizer).
__attribute__((no_sanitize("thread"))) static uint64_t
live_of_leaving(const struct memscope_task_record *task) {
    uint32_t resumes = ms_load(&task->resumes);
    if (ms_acquire(&task->state) == MEMSCOPE_TASK_RUNNING)
        return 0;
    uint64_t live = ms_load(&task->bytes) + ms_load(&task->late_bytes) -
                    ms_load(&task->freed_bytes) - ms_load(&task->remote_freed_bytes);
    __atomic_thread_fence(__ATOMIC_ACQUIRE); // with the release of whoever has resumed it meanwhile
    bool is_resumed = ms_load(&task->resumes) != resumes;
    return is_resumed || (int64_t)live < 0 ? 0 : live;
}

void ms_task_allocate_late(struct memscope_task_record *task, uint64_t bytes) {
    ms_bump(&task->late_allocations, 1);
    if (ms_bump(&task->late_bytes, bytes) & MEMSCOPE_TASK_FOLDED) {
        ms_fold_late(task->class_ref, bytes);
        return;
    }
    uint64_t live = live_of_leaving(task), peak = ms_load(&task->peak_bytes);
    while (live > peak && !ms_swap_if(&task->peak_bytes, &peak, live))
        ;
}

// ---- frees -------------------------------------------------------------------------------------

static inline void free_remotely(struct memscope_task_record *task, uint64_t bytes) {
    ms_bump(&task->remote_freed_bytes, bytes);
    uint64_t before = ms_bump(&task->remote_frees, 1);
    if (!(before & MEMSCOPE_TASK_ENDED))
        return;
    struct ms_tasks *tasks = ms_tasks_here(&ms_tls);
    if (tasks)
        retire(tasks, task);
}

static inline struct memscope_task_record *owner_of(const struct memscope_cell_record *cell,
                                                    const void *block) {
    if (!(cell->record.flags & MEMSCOPE_CELL_TASK))
        return NULL;
    const uint32_t *word = ms_task_word_at((uintptr_t)block);
    return word ? ms_task_of(ms_load(word)) : NULL;
}

void ms_task_free_inside_hook(const struct memscope_cell_record *cell, const void *block,
                              uint64_t bytes) {
    struct memscope_task_record *owner = owner_of(cell, block);
    if (!owner)
        return;
    ms_add(&owner->remote_freed_bytes, bytes);
    ms_add(&owner->remote_frees, 1u);
}

void ms_task_free(struct ms_tls *tls, const struct memscope_cell_record *cell, const void *block,
                  uint64_t bytes) {
    struct memscope_task_record *owner = owner_of(cell, block), *running = ms_task_running(tls);
    if (cell->record.flags & MEMSCOPE_CELL_TASK) {
        if (!owner)
            return;
        if (owner == running && ms_mark_of(tls->top) != MS_MARK_LEAVING) {
            owner->frees++;
            owner->freed_bytes += bytes;
            return;
        }
    } else if (!running && cell->thread_ref == tls->record_ref) {
        return;
    }
    bool is_frame = owner && ms_task_is_frame(owner, block);
    uint32_t from_ref = owner ? owner->class_ref : cell->thread_ref;
    if (!is_frame && from_ref != 0 && owner != running)
        ms_transfer(from_ref, running ? running->class_ref : tls->record_ref, bytes,
                    owner && (ms_load(&owner->remote_frees) & MEMSCOPE_TASK_ENDED) != 0);
    if (owner)
        free_remotely(owner, bytes);
}
