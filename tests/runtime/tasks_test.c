// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks against truth by construction: coroutines played by hand through the hooks, as the pass
// would call them, and the public calls about tasks. One process (CK_FORK=no), one profile: each
// test looks at classes of its own.

#include "shadow_stack.h"
#include "sums.h"

#include <memscope/abi.h>
#include <memscope/tasks.h>

#include "base/config.h"
#include "collect/fiber.h"
#include "collect/task.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define COROUTINE(text)                                                                            \
    {.id = MEMSCOPE_SITE_UNREGISTERED,                                                             \
     .promise_bytes = 16,                                                                          \
     .line = __LINE__,                                                                             \
     .function = (text),                                                                           \
     .file = __FILE__,                                                                             \
     .promise_type = "promise"}

static struct memscope_site frame_site = SITE(1), body_site = SITE(2);

// As a compiler lays it out: two pointers, the promise, then what lives across suspensions.
struct frame {
    void *resume, *destroy;
    struct frame *promise[2];
    void *task;
    uint32_t hops;
    void *block;
    struct frame *next;
};

static struct frame *begin(struct memscope_coroutine *coroutine) {
    struct frame *frame;
    __memscope_coro_alloc(coroutine, sizeof *frame, NULL, (const void *)begin);
    frame = __memscope_malloc(sizeof *frame, &frame_site);
    memset(frame, 0, sizeof *frame);
    frame->task =
        __memscope_coro_begin(coroutine, frame, sizeof *frame, NULL, (const void *)begin, 0);
    __memscope_coro_suspend(frame->task, NULL, 0, MEMSCOPE_SUSPEND_INITIAL);
    __memscope_coro_pop();
    return frame;
}

static void end(struct frame *frame) {
    __memscope_coro_end(frame->task);
    __memscope_free(frame);
}

static const struct memscope_task_record *record_of(void *task) {
    return task;
}

// Calls `visit` with each record of a type.
static void visit_records(enum memscope_record_type type, void (*visit)(const void *, void *),
                          void *argument) {
    uint64_t end = ms_shared.header->arena_end_units;
    for (uint64_t unit = MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES; unit < end;) {
        const struct memscope_record *record = ms_ref(ms_shared.ref_base + (uint32_t)unit);
        ck_assert_uint_eq(record->magic, MEMSCOPE_RECORD_MAGIC);
        if (record->type == type)
            visit(record, argument);
        unit += record->units;
    }
}

// What the profile says of one coroutine function.
struct of_class {
    const char *function;
    uint32_t class_ref;
    uint64_t started, ended, allocations, bytes, frees, freed_bytes, records, outlived_bytes;
    uint64_t sent_blocks, sent_bytes; // freed by others
};

static void visit_class(const void *record, void *argument) {
    const struct memscope_task_class_record *class = record;
    struct of_class *sums = argument;
    if (!class->function_ref)
        return;
    const struct memscope_string_record *name = ms_ref(class->function_ref);
    if (strcmp(name->text, sums->function) == 0)
        sums->class_ref = ms_task_ref(record);
}

static void visit_fold(const void *record, void *argument) {
    const struct memscope_task_fold_record *fold = record;
    struct of_class *sums = argument;
    if (fold->class_ref != sums->class_ref)
        return;
    sums->started += fold->started;
    sums->ended += fold->ended;
    sums->outlived_bytes += fold->sum[MEMSCOPE_MEASURE_OUTLIVED];
    uint64_t counted = 0;
    for (unsigned i = 0; i < MEMSCOPE_TASK_BUCKETS; i++)
        counted += fold->histogram[MEMSCOPE_MEASURE_PEAK][i];
    ck_assert_uint_eq(counted, fold->ended);
}

static void visit_cell(const void *record, void *argument) {
    const struct memscope_cell_record *cell = record;
    struct of_class *sums = argument;
    if (cell->class_ref != sums->class_ref)
        return;
    ck_assert(cell->record.flags & MEMSCOPE_CELL_TASK);
    sums->allocations += memscope_cell_allocations(cell);
    sums->bytes += cell->bytes;
    sums->frees += cell->frees + cell->remote_frees;
    sums->freed_bytes += cell->freed_bytes + cell->remote_freed_bytes;
}

static void visit_task(const void *record, void *argument) {
    const struct memscope_task_record *task = record;
    struct of_class *sums = argument;
    sums->records += task->class_ref == sums->class_ref;
}

static void visit_transfer(const void *record, void *argument) {
    const struct memscope_transfer_record *transfer = record;
    struct of_class *sums = argument;
    if (transfer->from_ref != sums->class_ref)
        return;
    sums->sent_blocks += transfer->blocks;
    sums->sent_bytes += transfer->bytes;
}

static struct of_class look(const char *function) {
    struct of_class sums = {.function = function};
    visit_records(MEMSCOPE_RECORD_TASK_CLASS, visit_class, &sums);
    ck_assert_uint_ne(sums.class_ref, 0);
    visit_records(MEMSCOPE_RECORD_TASK_FOLD, visit_fold, &sums);
    visit_records(MEMSCOPE_RECORD_CELL, visit_cell, &sums);
    visit_records(MEMSCOPE_RECORD_TASK, visit_task, &sums);
    visit_records(MEMSCOPE_RECORD_TRANSFER, visit_transfer, &sums);
    return sums;
}

static uint64_t mistakes(void) {
    return ms_load(&ms_shared.header->losses[MEMSCOPE_LOSS_task_mistakes]);
}

START_TEST(coroutine_holds_what_it_allocated_and_its_frame) {
    static struct memscope_coroutine outer = COROUTINE("outer"), inner = COROUTINE("inner");
    uint64_t before = mistakes();
    struct frame *a = begin(&outer);
    __memscope_coro_resume(a->task);
    void *kept = __memscope_malloc(100, &body_site);
    struct frame *b = begin(&inner);
    const void *awaiter[] = {NULL, b};
    __memscope_coro_suspend(a->task, awaiter, sizeof awaiter, MEMSCOPE_SUSPEND_AWAIT);
    __memscope_coro_pop();
    __memscope_coro_resume(b->task);
    __memscope_free(__memscope_malloc(30, &body_site));
    const struct memscope_task_record *of_a = record_of(a->task), *of_b = record_of(b->task);
    ck_assert_uint_eq(of_a->allocations, 2);
    ck_assert_uint_eq(of_a->bytes, 100 + sizeof *a);
    ck_assert_uint_eq(of_a->frees, 0);
    ck_assert_uint_eq(of_b->allocations, 2);
    ck_assert_uint_eq(of_b->bytes, 30 + sizeof *b);
    ck_assert_uint_eq(of_b->frees, 1);
    ck_assert_uint_eq(of_b->peak_bytes, 30 + sizeof *b);
    ck_assert_uint_eq(of_b->parent_id, of_a->id);
    ck_assert_uint_eq(of_b->edge, MEMSCOPE_EDGE_AWAIT);
    ck_assert_uint_eq(of_b->edge_rule, MEMSCOPE_RULE_AWAITER_HOLDS_FRAME);
    __memscope_free(kept); // a's block, freed by b
    __memscope_coro_suspend(b->task, NULL, 0, MEMSCOPE_SUSPEND_FINAL);
    __memscope_coro_pop();
    __memscope_coro_resume(a->task);
    __memscope_coro_destroy(b->task);
    end(b);
    end(a);
    struct of_class of_outer = look("outer"), of_inner = look("inner");
    ck_assert_uint_eq(of_outer.started, 1);
    ck_assert_uint_eq(of_outer.ended, 1);
    ck_assert_uint_eq(of_outer.bytes, 100 + sizeof *a);
    ck_assert_uint_eq(of_outer.freed_bytes, of_outer.bytes);
    ck_assert_uint_eq(of_outer.sent_blocks, 1);
    ck_assert_uint_eq(of_outer.sent_bytes, 100);
    ck_assert_uint_eq(of_inner.bytes, 30 + sizeof *b);
    ck_assert_uint_eq(of_inner.sent_blocks, 0); // a frame's own free is no transfer
    ck_assert_uint_eq(mistakes(), before);
}
END_TEST

START_TEST(ended_tasks_records_are_used_again) {
    static struct memscope_coroutine brief = COROUTINE("brief");
    for (int i = 0; i < 100000; i++) {
        struct frame *frame = begin(&brief);
        __memscope_coro_resume(frame->task);
        __memscope_free(__memscope_malloc(8, &body_site));
        end(frame);
    }
    struct of_class sums = look("brief");
    ck_assert_uint_eq(sums.started, 100000);
    ck_assert_uint_eq(sums.ended, 100000);
    ck_assert_uint_eq(sums.allocations, 200000);
    ck_assert_uint_eq(sums.frees, 200000);
    ck_assert_uint_le(sums.records, MS_TASKS_KEPT + 2);
}
END_TEST

START_TEST(record_stays_until_the_last_block_is_freed) {
    static struct memscope_coroutine leaves = COROUTINE("leaves");
    struct frame *frame = begin(&leaves);
    __memscope_coro_resume(frame->task);
    void *one = __memscope_malloc(11, &body_site), *two = __memscope_malloc(22, &body_site);
    const struct memscope_task_record *task = record_of(frame->task);
    end(frame);
    ck_assert_uint_eq(task->state, MEMSCOPE_TASK_OUTLIVED);
    ck_assert_uint_eq(task->outlived_blocks, 2);
    ck_assert_uint_eq(task->outlived_bytes, 33);
    __memscope_free(one);
    ck_assert_uint_eq(task->state, MEMSCOPE_TASK_OUTLIVED);
    __memscope_free(two);
    ck_assert_uint_ne(task->state, MEMSCOPE_TASK_OUTLIVED);
    ck_assert_uint_eq(look("leaves").outlived_bytes, 33);
}
END_TEST

// await_suspend goes on while another thread runs the coroutine to its end.
static void *resume_and_end(void *argument) {
    struct frame *frame = argument;
    __memscope_coro_resume(frame->task);
    __memscope_free(__memscope_malloc(5, &body_site));
    end(frame);
    return NULL;
}

START_TEST(trap_04_allocations_of_await_suspend_stay_the_suspended_tasks) {
    static struct memscope_coroutine handed = COROUTINE("handed"), next = COROUTINE("next");
    struct frame *frame = begin(&handed);
    void *ref = frame->task;
    __memscope_coro_resume(ref);
    __memscope_coro_suspend(ref, NULL, 0, MEMSCOPE_SUSPEND_AWAIT);
    void *early = __memscope_malloc(40, &body_site);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, resume_and_end, frame), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    void *late = __memscope_malloc(50, &body_site);
    ck_assert_uint_eq(record_of(ref)->late_allocations, 2);
    ck_assert_uint_eq(record_of(ref)->late_bytes & ~MEMSCOPE_TASK_FOLDED, 90);
    __memscope_free(early);
    __memscope_free(late);
    // Empty and ended, but not used again before the pop.
    struct frame *other = begin(&next);
    ck_assert_ptr_ne(other->task, ref);
    __memscope_coro_destroy(other->task);
    end(other);
    __memscope_coro_pop();
    struct of_class sums = look("handed");
    ck_assert_uint_eq(sums.bytes, sizeof *frame + 5 + 90);
    ck_assert_uint_eq(sums.freed_bytes, sums.bytes);
    ck_assert_uint_eq(sums.ended, 1);
}
END_TEST

// A thread that frees a task's last block ends its record, and is then one that runs tasks.
static void *free_then_run(void *block) {
    static struct memscope_coroutine runs_late = COROUTINE("runs late");
    __memscope_free(__memscope_malloc(1, &body_site));
    __memscope_free(block);
    struct frame *frame = begin(&runs_late);
    __memscope_coro_resume(frame->task);
    __memscope_free(__memscope_malloc(77, &body_site));
    end(frame);
    return NULL;
}

START_TEST(thread_that_ends_a_record_goes_on_to_run_tasks) {
    static struct memscope_coroutine gone = COROUTINE("gone");
    struct frame *frame = begin(&gone);
    __memscope_coro_resume(frame->task);
    void *last = __memscope_malloc(12, &body_site);
    end(frame);
    pthread_t thread;
    ck_assert_int_eq(__memscope_pthread_create(&thread, NULL, free_then_run, last, &body_site), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    struct of_class sums = look("runs late");
    ck_assert_uint_eq(sums.allocations, 2);
    ck_assert_uint_eq(sums.bytes, 77 + sizeof *frame);
    ck_assert_uint_eq(look("gone").freed_bytes, 12 + sizeof *frame);
}
END_TEST

// ---- a pool of threads with one queue ----------------------------------------------------------

static struct pool {
    pthread_mutex_t lock;
    struct frame *first;
    uint64_t left; // coroutines that have not ended
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum { HOPS = 20, COROUTINES = 400, POOL_THREADS = 4 };

static void put(struct frame *frame) {
    pthread_mutex_lock(&pool.lock);
    frame->next = pool.first;
    pool.first = frame;
    pthread_mutex_unlock(&pool.lock);
}

static bool run_one(void) {
    pthread_mutex_lock(&pool.lock);
    struct frame *frame = pool.first;
    if (frame)
        pool.first = frame->next;
    bool done = pool.left == 0;
    pthread_mutex_unlock(&pool.lock);
    if (!frame)
        return !done;
    __memscope_coro_resume(frame->task);
    __memscope_free(frame->block);
    frame->block = __memscope_malloc(16 + frame->hops, &body_site);
    if (++frame->hops < HOPS) {
        __memscope_coro_suspend(frame->task, NULL, 0, MEMSCOPE_SUSPEND_AWAIT);
        put(frame); // from here on it is another thread's
        __memscope_free(__memscope_malloc(3, &body_site));
        __memscope_coro_pop();
        return true;
    }
    __memscope_free(frame->block);
    end(frame);
    pthread_mutex_lock(&pool.lock);
    pool.left--;
    pthread_mutex_unlock(&pool.lock);
    return true;
}

static void *work(void *nothing) {
    while (run_one())
        ;
    return nothing;
}

START_TEST(threads_that_pass_coroutines_on_are_exact) {
    static struct memscope_coroutine hopper = COROUTINE("hopper");
    pthread_t threads[POOL_THREADS];
    uint64_t before = mistakes();
    pool.left = COROUTINES;
    for (int i = 0; i < COROUTINES; i++)
        put(begin(&hopper));
    for (int i = 0; i < POOL_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < POOL_THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    uint64_t body = 0;
    for (uint64_t hop = 0; hop < HOPS; hop++)
        body += 16 + hop;
    struct of_class sums = look("hopper");
    ck_assert_uint_eq(sums.started, COROUTINES);
    ck_assert_uint_eq(sums.ended, COROUTINES);
    ck_assert_uint_eq(sums.allocations, COROUTINES * (1 + HOPS + (HOPS - 1)));
    ck_assert_uint_eq(sums.bytes,
                      COROUTINES * (sizeof(struct frame) + body + (uint64_t)3 * (HOPS - 1)));
    ck_assert_uint_eq(sums.frees, sums.allocations);
    ck_assert_uint_eq(sums.freed_bytes, sums.bytes);
    ck_assert_uint_eq(mistakes(), before);
}
END_TEST

// ---- mistakes ----------------------------------------------------------------------------------

START_TEST(unbalanced_switches_are_counted_and_healed) {
    static struct memscope_coroutine lost = COROUTINE("lost"), found = COROUTINE("found");
    struct frame *a = begin(&lost), *b = begin(&found);
    uint64_t before = mistakes();
    __memscope_coro_resume(a->task);
    __memscope_coro_resume(b->task); // then a longjmp out of b, as it were
    __memscope_coro_suspend(a->task, NULL, 0, MEMSCOPE_SUSPEND_AWAIT);
    __memscope_coro_pop();
    ck_assert_uint_eq(mistakes(), before + 1);
    ck_assert_ptr_null(ms_task_running(&ms_tls));
    __memscope_coro_destroy(a->task);
    end(a);
    __memscope_coro_destroy(b->task);
    end(b);
    __memscope_coro_resume(NULL); // not followed
    void *block = __memscope_malloc(9, &body_site);
    __memscope_coro_suspend(NULL, NULL, 0, MEMSCOPE_SUSPEND_AWAIT);
    __memscope_coro_pop();
    __memscope_free(block);
    ck_assert_ptr_null(ms_task_running(&ms_tls));
    ck_assert_uint_eq(mistakes(), before + 1);
}
END_TEST

// ---- tasks by hand -----------------------------------------------------------------------------

START_TEST(scopes_nest_and_tell_their_statistics) {
    struct memscope_task_statistics statistics;
    memscope_task request = memscope_task_begin("request");
    void *block = __memscope_malloc(70, &body_site);
    memscope_task query = memscope_task_begin("query");
    ck_assert_uint_eq(memscope_task_current(), query);
    __memscope_free(block);
    __memscope_free(__memscope_malloc(20, &body_site));
    ck_assert_int_eq(memscope_task_get_statistics(&statistics), MEMSCOPE_OK);
    ck_assert_uint_eq(statistics.allocations, 1);
    ck_assert_uint_eq(statistics.total_bytes, 20);
    ck_assert_uint_eq(statistics.live_bytes, 0);
    ck_assert_uint_eq(statistics.peak_bytes, 20);
    ck_assert_int_eq(memscope_task_set_label("q-1"), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_task_end(query), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_task_get_statistics(&statistics), MEMSCOPE_OK);
    ck_assert_uint_eq(statistics.total_bytes, 70);
    ck_assert_uint_eq(statistics.live_bytes, 0);
    ck_assert_int_eq(memscope_task_end(request), MEMSCOPE_OK);
    ck_assert_uint_eq(memscope_task_current(), 0);
    ck_assert_int_eq(memscope_task_get_statistics(NULL), MEMSCOPE_INVALID_ARGUMENT);
}
END_TEST

START_TEST(wrong_calls_are_mistakes_and_change_nothing) {
    uint64_t before = mistakes();
    memscope_task task = memscope_task_create("wrong");
    ck_assert_int_eq(memscope_task_suspend(task), MEMSCOPE_MISTAKE); // does not run
    ck_assert_int_eq(memscope_task_resume(task), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_task_resume(task), MEMSCOPE_MISTAKE); // runs already
    ck_assert_int_eq(memscope_task_suspend(task), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_task_end(task), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_task_end(task), MEMSCOPE_MISTAKE);
    ck_assert_int_eq(memscope_task_resume(task), MEMSCOPE_MISTAKE);
    ck_assert_int_eq(memscope_task_set_label("no task"), MEMSCOPE_MISTAKE);
    memscope_task fiber = memscope_fiber_create("fiber");
    ck_assert_int_eq(memscope_task_end(fiber), MEMSCOPE_MISTAKE);
    ck_assert_int_eq(memscope_fiber_switch(fiber), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_fiber_destroy(fiber), MEMSCOPE_MISTAKE); // runs
    ck_assert_int_eq(memscope_fiber_switch(0), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_fiber_destroy(fiber), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_fiber_switch(fiber), MEMSCOPE_MISTAKE); // is no more
    ck_assert_int_eq(memscope_fiber_destroy(0), MEMSCOPE_MISTAKE);
    ck_assert_uint_eq(mistakes(), before + 9);
    ck_assert_ptr_null(ms_task_running(&ms_tls));
}
END_TEST

START_TEST(fiber_takes_its_coroutines_along) {
    static struct memscope_coroutine inside = COROUTINE("inside");
    uint64_t before = mistakes();
    memscope_task fiber = memscope_fiber_create("carrier");
    ck_assert_int_eq(memscope_fiber_switch(fiber), MEMSCOPE_OK);
    struct frame *frame = begin(&inside);
    __memscope_coro_resume(frame->task);
    ck_assert_int_eq(memscope_fiber_switch(0), MEMSCOPE_OK); // in the middle of the coroutine
    ck_assert_ptr_null(ms_task_running(&ms_tls));
    ck_assert_int_eq(memscope_fiber_switch(fiber), MEMSCOPE_OK);
    ck_assert_ptr_eq(ms_task_running(&ms_tls), record_of(frame->task));
    __memscope_free(__memscope_malloc(64, &body_site));
    end(frame);
    ck_assert_uint_eq(memscope_task_current(), fiber);
    ck_assert_int_eq(memscope_fiber_switch(0), MEMSCOPE_OK);
    ck_assert_int_eq(memscope_fiber_destroy(fiber), MEMSCOPE_OK);
    ck_assert_uint_eq(look("inside").bytes, 64 + sizeof *frame);
    ck_assert_uint_eq(mistakes(), before);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("tasks");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, coroutine_holds_what_it_allocated_and_its_frame);
    tcase_add_test(cases, ended_tasks_records_are_used_again);
    tcase_add_test(cases, record_stays_until_the_last_block_is_freed);
    tcase_add_test(cases, scopes_nest_and_tell_their_statistics);
    tcase_add_test(cases, wrong_calls_are_mistakes_and_change_nothing);
    tcase_add_test(cases, fiber_takes_its_coroutines_along);
    tcase_add_test(cases, unbalanced_switches_are_counted_and_healed);
    add_shadow_stack_tests(cases);
    // From here on there are threads.
    tcase_add_test(cases, trap_04_allocations_of_await_suspend_stay_the_suspended_tasks);
    tcase_add_test(cases, thread_that_ends_a_record_goes_on_to_run_tasks);
    tcase_add_test(cases, threads_that_pass_coroutines_on_are_exact);
    add_shadow_stack_thread_tests(cases);
    Suite *suite = suite_create("tasks");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
