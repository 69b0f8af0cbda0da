// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shadow stack as hooks in line see it: they compare a task's word with what the entry above
// the top expects, and look at nothing else.

#include "shadow_stack.h"

#include "collect/task.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct memscope_coroutine nested = {.id = MEMSCOPE_SITE_UNREGISTERED,
                                           .promise_bytes = 16,
                                           .line = __LINE__,
                                           .function = "nested",
                                           .file = __FILE__,
                                           .promise_type = "promise"};

// A coroutine that has suspended once, so that its next resumption is a usual one.
static void *suspended(void) {
    static char frames[1024][64];
    static unsigned next;
    void *task = __memscope_coro_begin(&nested, frames[next++ % 1024], 64, NULL, suspended, 1);
    __memscope_coro_suspend(task, NULL, 0, MEMSCOPE_SUSPEND_INITIAL);
    __memscope_coro_pop();
    __memscope_coro_resume(task);
    __memscope_coro_suspend(task, NULL, 0, MEMSCOPE_SUSPEND_AWAIT);
    __memscope_coro_pop();
    return task;
}

static void destroy(void *task) {
    __memscope_coro_destroy(task);
    __memscope_coro_end(task);
}

static uint64_t word_of(const void *task) {
    uint64_t word;
    memcpy(&word, (const char *)task + MEMSCOPE_INLINE_TASK_WORD, sizeof word);
    return word;
}

static uint64_t expected(void) {
    return ms_tls.top[1].expected;
}

START_TEST(suspended_task_is_expected_and_no_other) {
    static char frame[64];
    void *task = suspended(), *fresh = __memscope_coro_begin(&nested, frame, 64, NULL, frame, 1);
    ck_assert_uint_eq(word_of(task), expected());
    ck_assert_uint_ne(word_of(fresh), expected()); // it runs
    __memscope_coro_suspend(fresh, NULL, 0, MEMSCOPE_SUSPEND_INITIAL);
    __memscope_coro_pop();
    ck_assert_uint_ne(word_of(fresh), expected()); // it has not started
    ck_assert_uint_ne(word_of(&ms_unfollowed), expected());
    ck_assert_uint_ne(word_of(&ms_unfollowed), 0); // what a fork child finds
    destroy(fresh);
    destroy(task);
}
END_TEST

START_TEST(kind_that_pops_leaves_no_entry) {
    void *task = suspended();
    const struct ms_running *top = ms_tls.top;
    __memscope_coro_resume(task);
    __memscope_coro_suspend(task, NULL, 0, MEMSCOPE_SUSPEND_AWAIT | MEMSCOPE_SUSPEND_AND_POP);
    ck_assert_ptr_eq(ms_tls.top, top);
    ck_assert_uint_eq(top[1].task, 0);
    ck_assert_uint_eq(word_of(task), expected());
    destroy(task);
}
END_TEST

// Entries are made ready a few hundred at a time.
START_TEST(nested_resumptions_find_ready_entries_or_the_barrier) {
    enum { DEEP = 1000 };
    void *tasks[DEEP];
    unsigned barriers = 0;
    for (int i = 0; i < DEEP; i++)
        tasks[i] = suspended();
    for (int i = 0; i < DEEP; i++) {
        barriers += expected() == MS_EXPECTED_BARRIER;
        ck_assert(expected() == word_of(tasks[i]) || expected() == MS_EXPECTED_BARRIER);
        __memscope_coro_resume(tasks[i]);
        ck_assert_ptr_eq(ms_task_running(&ms_tls), tasks[i]);
    }
    ck_assert_uint_le(barriers, 1 + DEEP / 256);
    for (int i = DEEP; i-- > 0;)
        __memscope_coro_end(tasks[i]);
}
END_TEST

START_TEST(full_stack_ends_at_a_barrier_inside_its_region) {
    void *task = suspended();
    const char *region = (const char *)ms_tasks_in(ms_tls.top);
    const struct ms_running *bottom = ms_tls.top;
    __memscope_coro_resume(task);
    for (unsigned i = 0; i < MS_TASKS_REGION / sizeof *bottom; i++)
        __memscope_coro_resume(NULL); // not followed
    ck_assert_uint_eq(expected(), MS_EXPECTED_BARRIER);
    ck_assert_ptr_eq((const char *)(ms_tls.top + 2), region + MS_TASKS_REGION);
    ck_assert_ptr_eq(ms_task_running(&ms_tls), task);
    while (ms_mark_of(ms_tls.top) == MS_MARK_UNFOLLOWED)
        __memscope_coro_pop();
    ck_assert_ptr_eq(ms_tls.top, bottom + 1);
    __memscope_coro_end(task);
}
END_TEST

static void *run_one(void *moved) {
    void *own = suspended();
    ck_assert_uint_eq(word_of(own) >> 32, ms_tls.record_ref);
    ck_assert_uint_eq(word_of(own), expected());
    if (moved) { // another thread's, until it has run here
        ck_assert_uint_ne(word_of(moved), expected());
        __memscope_coro_resume(moved);
        __memscope_coro_suspend(moved, NULL, 0, MEMSCOPE_SUSPEND_AWAIT);
        __memscope_coro_pop();
        ck_assert_uint_eq(word_of(moved), expected());
    }
    destroy(own);
    __memscope_coro_resume(NULL); // ends in the middle
    return NULL;
}

START_TEST(stack_of_an_ended_thread_expects_the_next_threads_tasks) {
    void *moved = suspended();
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, run_one, i == 1 ? moved : NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    ck_assert_uint_ne(word_of(moved), expected());
    destroy(moved);
}
END_TEST

// A child's first event is the resumption of what it inherited: it must go to the hook, which does
// not follow it.
static int in_child(void *task) {
    if (word_of(task) == expected())
        return 1;
    __memscope_coro_resume(task);
    bool followed = ms_task_running(&ms_tls) != NULL;
    __memscope_coro_suspend(task, NULL, 0, MEMSCOPE_SUSPEND_AWAIT);
    __memscope_coro_pop();
    if (followed || ms_task_running(&ms_tls))
        return 2;
    void *own = suspended(); // its own profile, stack and tasks
    if (word_of(own) != expected() || word_of(task) == expected())
        return 3;
    destroy(own);
    return ms_task_running(&ms_tls) ? 4 : 0;
}

START_TEST(fork_childs_inherited_tasks_are_not_expected) {
    void *task = suspended(), *below = suspended();
    __memscope_coro_resume(below); // forked inside a coroutine
    pid_t child = fork();
    if (child == 0)
        _exit(in_child(task));
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    __memscope_coro_end(below);
    destroy(task);
}
END_TEST

void add_shadow_stack_tests(TCase *cases) {
    tcase_add_test(cases, suspended_task_is_expected_and_no_other);
    tcase_add_test(cases, kind_that_pops_leaves_no_entry);
    tcase_add_test(cases, nested_resumptions_find_ready_entries_or_the_barrier);
    tcase_add_test(cases, full_stack_ends_at_a_barrier_inside_its_region);
}

void add_shadow_stack_thread_tests(TCase *cases) {
    tcase_add_test(cases, stack_of_an_ended_thread_expects_the_next_threads_tasks);
    tcase_add_test(cases, fork_childs_inherited_tasks_are_not_expected);
}
