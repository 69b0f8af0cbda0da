// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every environment with every forced strategy: what is chosen, refused or upgraded, and that what
// it counts is exact. Each pair in a fork child, which is a process of its own.

#include "truths.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KINDS = 4, BLOCKS = 500 };

static void *allocate(void *nothing) {
    for (int i = 0; i < BLOCKS; i++)
        truths_free(truths_allocate(60));
    return nothing;
}

static bool run_thread(void) {
    pthread_t thread;
    return pthread_create(&thread, NULL, allocate, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool run_task(void) {
    memscope_task task = memscope_task_begin("a task");
    (void)allocate(NULL);
    return memscope_task_end(task) == MEMSCOPE_OK;
}

// By bits: enum memscope_environment_kind.
static bool become(int kind) {
    return (!(kind & 1) || run_thread()) && (!(kind & 2) || run_task());
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, memscope_error_message());  \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static int expect_chosen(int kind) {
    struct memscope_environment environment;
    int strategy = -1;
    CHECK(become(kind));
    CHECK(memscope_detect_environment(&environment) == MEMSCOPE_OK);
    CHECK(environment.kind == kind);
    CHECK(environment.thread_count == 1 && environment.thread_highest == (kind & 1 ? 2u : 1u));
    CHECK(memscope_select_strategy(&environment, &strategy) == MEMSCOPE_OK && strategy == kind);
    return 0;
}

static int expect_exact(memscope_backend backend, int kind, int strategy) {
    memscope_session session;
    struct memscope_analysis data;
    CHECK(memscope_start_tracking(backend, &session) == MEMSCOPE_OK);
    (void)allocate(NULL);
    (void)run_task();
    CHECK(memscope_session_end(session, &data) == MEMSCOPE_OK);
    CHECK(data.statistics.total_allocations == 2 * BLOCKS);
    CHECK(data.statistics.total_bytes == 2 * BLOCKS * 60);
    CHECK(data.statistics.total_frees == 2 * BLOCKS);
    // A task has run by now: what could not have been exact with it was upgraded, on record.
    CHECK(data.session_metadata.detected_environment == (kind | 2));
    CHECK(data.session_metadata.strategy_used == (strategy | 2));
    CHECK(data.session_metadata.strategy_forced);
    CHECK(data.session_metadata.strategy_upgraded == !(strategy & 2));
    memscope_analysis_free(&data);
    return 0;
}

static int expect_forced(int kind, int strategy) {
    struct memscope_config config = memscope_config_default();
    struct memscope_environment environment;
    memscope_backend backend = 0;
    char words[256];
    config.force_strategy = strategy;
    CHECK(become(kind));
    memscope_status status = memscope_backend_initialize(&config, &backend);
    if ((kind & ~strategy) == 0) {
        CHECK(status == MEMSCOPE_OK);
        return expect_exact(backend, kind, strategy);
    }
    CHECK(status == MEMSCOPE_STRATEGY_SELECTION_FAILED && backend == 0);
    snprintf(words, sizeof words,
             "%s cannot be exact for this program, which is %s: %s have been started",
             memscope_strategy_name(strategy), memscope_environment_name(kind),
             kind & ~strategy & 1 ? "threads" : "tasks");
    CHECK(strcmp(memscope_error_message(), words) == 0);
    CHECK(memscope_detect_environment(&environment) == MEMSCOPE_OK && environment.kind == kind);
    CHECK(memscope_backend_initialize(NULL, &backend) == MEMSCOPE_OK);
    return 0;
}

static void in_child(int (*claim)(int, int), int kind, int strategy) {
    int status = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(claim(kind, strategy));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "environment %d, strategy %d: %x", kind, strategy, (unsigned)status);
}

static int chosen(int kind, int strategy) {
    (void)strategy;
    return expect_chosen(kind);
}

START_TEST(each_environment_has_its_strategy) {
    for (int kind = 0; kind < KINDS; kind++)
        in_child(chosen, kind, MEMSCOPE_STRATEGY_NONE);
}
END_TEST

START_TEST(each_forced_strategy_is_exact_or_refused) {
    for (int kind = 0; kind < KINDS; kind++)
        for (int strategy = 0; strategy < KINDS; strategy++)
            in_child(expect_forced, kind, strategy);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("strategy");
    TRUTHS_ADD(suite, each_environment_has_its_strategy);
    TRUTHS_ADD(suite, each_forced_strategy_is_exact_or_refused);
    return truths_run(suite);
}
