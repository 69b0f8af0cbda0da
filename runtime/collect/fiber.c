// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "fiber.h"

#include "granule_words.h"
#include "shadow.h"

enum { PAGE_BITS = 12, LEAF_BITS = 18 };

// Two levels: page number → fiber. A leaf (2 MiB, touched where stacks are) stands for 1 GiB.
static struct ms_fiber ***leaves;

static struct ms_fiber **place_of(uintptr_t address, bool make) {
    uintptr_t page = address >> PAGE_BITS, index = page >> LEAF_BITS;
    const size_t leaf_bytes = sizeof(struct ms_fiber *) << LEAF_BITS;
    const size_t leaf_count = 1ull << (MS_ADDRESS_BITS - PAGE_BITS - LEAF_BITS);
    struct ms_fiber ***table =
        make ? ms_table_once(&leaves, leaf_count * sizeof *table) : ms_acquire(&leaves);
    if (index >= leaf_count || !table)
        return NULL;
    struct ms_fiber **leaf = ms_acquire(&table[index]);
    if (!leaf && make) {
        struct ms_fiber **fresh = ms_sys_map_anonymous(leaf_bytes);
        if (!fresh)
            return NULL;
        if (ms_swap_if(&table[index], &leaf, fresh))
            leaf = fresh;
        else
            ms_sys_unmap(fresh, leaf_bytes);
    }
    return leaf ? &leaf[page & ((1u << LEAF_BITS) - 1)] : NULL;
}

struct ms_fiber *ms_fiber_at(uintptr_t address) {
    struct ms_fiber **place = place_of(address, false);
    struct ms_fiber *fiber = place ? ms_acquire(place) : NULL;
    return fiber && fiber->task && address >= fiber->stack_low && address < fiber->stack_high
               ? fiber
               : NULL;
}

struct ms_fiber *ms_fiber_of(const struct memscope_task_record *task) {
    struct ms_fiber *fiber = (void *)(uintptr_t)ms_load(&task->runtime[1]);
    return fiber && fiber->task == task && fiber->id == task->id ? fiber : NULL;
}

uint32_t ms_fibers_made;

// All that were made, a batch at a time; the first of each only leads to the next batch.
enum { AT_ONCE = 64 };
static struct ms_fiber *batches;

// Fibers are never given back, only used again: a stale pointer meets another fiber or an ended
// one. The idle ones are a stack; the 16 bits above each pointer count, so that a compare-and-swap
// sees that what it read has been away.
static uint64_t idle;

static struct ms_fiber *pointer_in(uint64_t tagged) {
    return (void *)(uintptr_t)(tagged << 16 >> 16); // NOLINT(performance-no-int-to-ptr)
}

static void put_idle(struct ms_fiber *fiber) {
    uint64_t seen = ms_acquire(&idle), wanted;
    do {
        ms_store(&fiber->next, pointer_in(seen));
        wanted = (uint64_t)(uintptr_t)fiber | ((seen >> 48) + 1) << 48;
    } while (!ms_swap_if(&idle, &seen, wanted));
}

static struct ms_fiber *take_idle(void) {
    uint64_t seen = ms_acquire(&idle), wanted;
    do {
        if (!pointer_in(seen))
            return NULL;
        struct ms_fiber *next = ms_load(&pointer_in(seen)->next);
        wanted = (uint64_t)(uintptr_t)next | ((seen >> 48) + 1) << 48;
    } while (!ms_swap_if(&idle, &seen, wanted));
    return pointer_in(seen);
}

static struct ms_fiber *take(void) {
    struct ms_fiber *fiber = take_idle();
    struct ms_fiber *batch = fiber ? NULL : ms_sys_map_anonymous(AT_ONCE * sizeof *batch);
    if (!batch)
        return fiber;
    batch->next = ms_acquire(&batches);
    while (!ms_swap_if(&batches, &batch->next, batch))
        ;
    for (unsigned i = 2; i < AT_ONCE; i++)
        put_idle(&batch[i]);
    return &batch[1];
}

void ms_fibers_restart(void) {
    idle = 0; // what a fork child inherits stays where it is, named by stale pages alone
    batches = NULL;
    ms_fibers_made = 0;
}

// Small stacks may share a page; stack pointers are near the high end, so the page of a low end
// stays its neighbour's.
static void note_page(struct ms_tasks *tasks, struct ms_fiber *fiber, uintptr_t page) {
    struct ms_fiber **place = place_of(page << PAGE_BITS, true);
    struct ms_fiber *before = place ? ms_acquire(place) : NULL;
    if (!place)
        return;
    if (before && before != fiber && before->task) {
        if (before->stack_low < fiber->stack_high && before->stack_high > fiber->stack_low)
            ms_fiber_end(tasks, before); // its stack is another's now
        else if (page == fiber->stack_low >> PAGE_BITS)
            return;
    }
    ms_release(place, fiber);
}

bool ms_fiber_stack_is_gone(const struct ms_fiber *fiber) {
    return fiber->stack_record != 0 && ms_shadow_peek(fiber->stack_low) != fiber->stack_record;
}

struct ms_fiber *ms_fiber_new(struct ms_tasks *tasks, struct memscope_task_fold_record *fold,
                              uintptr_t stack_low, uintptr_t stack_high) {
    struct ms_fiber *fiber = take();
    struct memscope_task_record *task = fiber ? ms_task_new(tasks, fold) : NULL;
    if (!task) {
        if (fiber)
            put_idle(fiber);
        return NULL;
    }
    ms_store(&ms_fibers_made, 1u);
    *fiber = (struct ms_fiber){.task = task,
                               .id = task->id,
                               .stack_low = stack_low,
                               .stack_high = stack_high,
                               .stack_record = ms_shadow_peek(stack_low)};
    ms_store(&task->runtime[1], (uint64_t)(uintptr_t)fiber);
    task->frame_bytes = (uint32_t)(stack_high - stack_low);
    if (stack_high > stack_low)
        for (uintptr_t page = stack_low >> PAGE_BITS; page <= (stack_high - 1) >> PAGE_BITS; page++)
            note_page(tasks, fiber, page);
    return fiber;
}

static void switch_away(struct ms_tls *tls, struct ms_tasks *tasks) {
    struct ms_fiber *fiber = tasks->fiber;
    uint64_t count = (uint64_t)(tls->top - tasks->fiber_base);
    if (count > MS_FIBER_SAVED) {
        ms_count_loss(MEMSCOPE_LOSS_task_mistakes, count - MS_FIBER_SAVED);
        count = MS_FIBER_SAVED;
    }
    for (uint64_t i = 0; i < count; i++)
        fiber->saved[i] = tasks->fiber_base[1 + i];
    fiber->saved_count = (uint32_t)count;
    while (tls->top >= tasks->fiber_base)
        ms_tasks_pop(tls);
    tasks->fiber = NULL;
    ms_thread_stack(NULL);
    if (fiber->task)
        ms_release(&fiber->task->state, (uint32_t)MEMSCOPE_TASK_SUSPENDED);
}

void ms_fiber_switch(struct ms_tls *tls, struct ms_tasks *tasks, struct ms_fiber *fiber) {
    if (tasks->fiber == fiber)
        return;
    if (tasks->fiber)
        switch_away(tls, tasks);
    if (!fiber || !fiber->task)
        return;
    struct memscope_task_record *task = fiber->task;
    (void)ms_acquire(&task->state); // pairs with switch_away, maybe on another thread
    if (!ms_tasks_push(tls, task, MS_MARK_RUNNING))
        return;
    tasks->fiber = fiber;
    tasks->fiber_base = tls->top;
    // What a frame pointer leads to is read if it is below `high`: two words.
    const uintptr_t record_bytes = 2 * sizeof(uintptr_t);
    struct ms_stack stack = {fiber->stack_low, fiber->stack_high};
    if (stack.high >= record_bytes)
        stack.high -= record_bytes - 1;
    ms_thread_stack(&stack);
    for (uint32_t i = 0; i < fiber->saved_count; i++)
        (void)ms_tasks_push(tls, ms_task_on(&fiber->saved[i]), ms_mark_of(&fiber->saved[i]));
    task->resumes++;
    if (task->thread_ref != tls->record_ref) {
        task->migrations += task->resumes > 1;
        ms_store(&task->thread_ref, tls->record_ref);
    }
    ms_store(&task->state, (uint32_t)MEMSCOPE_TASK_RUNNING);
}

void ms_fiber_end(struct ms_tasks *tasks, struct ms_fiber *fiber) {
    struct memscope_task_record *task = fiber->task;
    if (!task)
        return;
    fiber->task = NULL;
    ms_task_ended(tasks, task);
    put_idle(fiber);
}

void ms_fibers_end_gone(void) {
    struct ms_tasks *tasks = ms_tasks_of_thread();
    for (struct ms_fiber *batch = ms_acquire(&batches); batch && tasks; batch = batch->next)
        for (unsigned i = 1; i < AT_ONCE; i++)
            if (batch[i].task && &batch[i] != tasks->fiber && ms_fiber_stack_is_gone(&batch[i]))
                ms_fiber_end(tasks, &batch[i]);
}

void ms_fiber_follow(struct ms_tls *tls, uintptr_t address) {
    struct ms_tasks *tasks = ms_tasks_here(tls);
    struct ms_fiber *left = tasks ? tasks->fiber : NULL;
    struct ms_fiber *fiber = ms_fiber_at(address);
    const struct ms_stack *own = &tls->thread->stack;
    bool is_own = address - own->low < own->high - own->low;
    if (!tasks || fiber == left || (left && left->stack_low == 0) || (!fiber && !is_own))
        return;
    ms_count_loss(MEMSCOPE_LOSS_untold_switches, 1);
    ms_fiber_switch(tls, tasks, fiber);
    if (left && ms_fiber_stack_is_gone(left))
        ms_fiber_end(tasks, left);
}

void ms_fiber_stack_freed(struct ms_tls *tls, const void *block) {
    struct ms_fiber *fiber = ms_fiber_at((uintptr_t)block);
    if (!fiber || ms_load(&ms_shared.header->losses[MEMSCOPE_LOSS_untold_switches]) == 0)
        return;
    struct ms_tasks *tasks = ms_tasks_here(tls);
    if (tasks && fiber != tasks->fiber && ms_fiber_stack_is_gone(fiber))
        ms_fiber_end(tasks, fiber);
}
