// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The calls of the backend, one by one.

#include "truths.h"

#include <memscope/abi.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call) == MEMSCOPE_OK, "%s", memscope_error_message())

static void expect_refused(const struct memscope_config *config, memscope_status wanted,
                           const char *words) {
    memscope_backend backend = 77;
    ck_assert_int_eq(memscope_backend_initialize(config, &backend), wanted);
    ck_assert_uint_eq(backend, 77);
    ck_assert_str_eq(memscope_error_message(), words);
}

START_TEST(the_default_configuration_is_as_documented) {
    struct memscope_config config = memscope_config_default();
    ck_assert(config.auto_detect);
    ck_assert_int_eq(config.force_strategy, MEMSCOPE_STRATEGY_NONE);
    ck_assert_double_eq(config.sample_rate, 1.0);
    ck_assert_double_eq(config.max_overhead_percent, 5.0);
    ck_assert_ptr_null(config.output);
    memscope_backend backend = truths_backend();
    ck_assert(backend != 0);
}
END_TEST

START_TEST(a_bad_field_is_refused_with_its_name_value_and_range) {
    struct memscope_config config = memscope_config_default();
    config.sample_rate = 1.5;
    expect_refused(&config, MEMSCOPE_CONFIGURATION, "sample_rate is 1.5; it takes 0.0 to 1.0");
    config.sample_rate = NAN;
    expect_refused(&config, MEMSCOPE_CONFIGURATION, "sample_rate is NaN; it takes 0.0 to 1.0");
    config.sample_rate = -HUGE_VAL;
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "sample_rate is -infinity; it takes 0.0 to 1.0");
    config = memscope_config_default();
    config.max_overhead_percent = 100.5;
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "max_overhead_percent is 100.5; it takes 0.0 to 100.0");
    config.max_overhead_percent = -1;
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "max_overhead_percent is -1; it takes 0.0 to 100.0");
    config.max_overhead_percent = HUGE_VAL;
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "max_overhead_percent is infinity; it takes 0.0 to 100.0");
    config = memscope_config_default();
    config.force_strategy = 4;
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "force_strategy is 4; it takes -1 (none) or 0 to 3 (enum memscope_strategy)");
    config = memscope_config_default();
    config.output = "";
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "output is empty; it takes a path of 1 to 1023 bytes, or NULL");
}
END_TEST

// Of a sampled interval the totals are exact all the same.
START_TEST(a_sample_rate_keeps_totals_exact) {
    enum { BLOCKS = 20000, BYTES = 100 };
    struct memscope_config config = memscope_config_default();
    config.sample_rate = 0.1;
    config.max_overhead_percent = 0;
    memscope_backend backend;
    memscope_session session;
    struct memscope_analysis data;
    OK(memscope_backend_initialize(&config, &backend));
    memscope_status started = memscope_start_tracking(backend, &session);
    for (int i = 0; i < BLOCKS; i++) {
        void *volatile block = malloc(BYTES);
        free(block);
    }
    memscope_status status = memscope_session_end(session, &data);
    OK(started);
    OK(status);
    ck_assert_uint_eq(data.statistics.total_allocations, BLOCKS);
    ck_assert_uint_eq(data.statistics.total_bytes, (uint64_t)BLOCKS * BYTES);
    ck_assert_uint_eq(data.statistics.total_frees, BLOCKS);
    memscope_analysis_free(&data);
}
END_TEST

START_TEST(what_tracking_costs_is_measured) {
    memscope_backend backend;
    memscope_session session;
    struct memscope_analysis data;
    OK(memscope_backend_initialize(NULL, &backend));
    memscope_status started = memscope_start_tracking(backend, &session);
    for (int i = 0; i < 1000000; i++) {
        void *volatile block = malloc(100);
        free(block);
    }
    memscope_status status = memscope_session_end(session, &data);
    OK(started);
    OK(status);
    // A loop of nothing else: it costs more than the budget of 5, and less than the heaviest tool.
    ck_assert_double_gt(data.session_metadata.overhead_percent, 5.0);
    ck_assert_double_lt(data.session_metadata.overhead_percent, 1000.0);
    ck_assert_double_gt(data.session_metadata.overhead_error, 0.0);
    ck_assert_uint_eq(data.statistics.total_allocations, 1000000);
    memscope_analysis_free(&data);
}
END_TEST

// Too few to be timed, and yet not told as free.
START_TEST(a_short_session_tells_that_it_hardly_knows_its_cost) {
    memscope_backend backend = truths_backend();
    memscope_session session;
    struct memscope_analysis data;
    for (int i = 0; i < 20000; i++)
        truths_free(truths_allocate(100));
    for (int few = 1; few <= 256; few *= 4) {
        memscope_status started = memscope_start_tracking(backend, &session);
        for (int i = 0; i < few; i++)
            truths_free(truths_allocate(100));
        memscope_status ended = memscope_session_end(session, &data);
        OK(started);
        OK(ended);
        ck_assert_double_gt(data.session_metadata.overhead_percent, 0.0);
        ck_assert_double_ge(data.session_metadata.overhead_error,
                            data.session_metadata.overhead_percent);
        memscope_analysis_free(&data);
    }
}
END_TEST

START_TEST(there_is_one_backend_a_process) {
    struct memscope_config config = memscope_config_default();
    memscope_backend backend = truths_backend(), again = 0;
    OK(memscope_backend_initialize(&config, &again));
    ck_assert_uint_eq(again, backend);
    config.max_overhead_percent = 0;
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "the process has a backend of another configuration");
    OK(memscope_backend_shutdown(backend, NULL));
    OK(memscope_backend_initialize(&config, &again));
    ck_assert_uint_ne(again, backend);
    ck_assert_int_eq(memscope_backend_initialize(&config, NULL), MEMSCOPE_INVALID_ARGUMENT);
}
END_TEST

static void *idle(void *nothing) {
    return nothing;
}

static void run_a_thread(void) {
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, idle, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(the_environment_is_what_ran_so_far) {
    struct memscope_environment environment;
    int strategy = -1;
    OK(memscope_detect_environment(&environment));
    ck_assert_int_eq(environment.kind, MEMSCOPE_ENVIRONMENT_SINGLE_THREADED);
    ck_assert(environment.thread_count == 1 && environment.thread_highest == 1);
    ck_assert_int_eq(environment.primary_runtime, MEMSCOPE_RUNTIME_NONE);
    OK(memscope_select_strategy(&environment, &strategy));
    ck_assert_int_eq(strategy, MEMSCOPE_STRATEGY_GLOBAL_DIRECT);
    run_a_thread();
    OK(memscope_detect_environment(&environment));
    ck_assert_int_eq(environment.kind, MEMSCOPE_ENVIRONMENT_MULTI_THREADED);
    ck_assert(environment.thread_count == 1 && environment.thread_highest == 2);
    OK(memscope_select_strategy(&environment, &strategy));
    ck_assert_int_eq(strategy, MEMSCOPE_STRATEGY_THREAD_LOCAL);
    memscope_task task = memscope_task_begin("by hand");
    memscope_task fiber = memscope_fiber_create("a fiber");
    memscope_task other = memscope_fiber_create("a fiber");
    OK(memscope_detect_environment(&environment));
    ck_assert_int_eq(environment.kind, MEMSCOPE_ENVIRONMENT_HYBRID);
    ck_assert_uint_eq(environment.async_task_count, 2);
    ck_assert_int_eq(environment.primary_runtime, MEMSCOPE_RUNTIME_FIBER);
    ck_assert_uint_ge(environment.runtime_count, 2);
    ck_assert(environment.runtimes[0].used && environment.runtimes[0].tasks_now == 2);
    ck_assert_int_eq(environment.runtimes[1].type, MEMSCOPE_RUNTIME_CUSTOM);
    ck_assert(environment.runtimes[1].used && environment.runtimes[1].tasks_so_far == 1);
    OK(memscope_task_end(task));
    OK(memscope_fiber_destroy(fiber));
    OK(memscope_fiber_destroy(other));
    OK(memscope_detect_environment(&environment));
    ck_assert(environment.async_task_count == 0 && environment.async_task_highest == 2);
    OK(memscope_select_strategy(&environment, &strategy));
    ck_assert_int_eq(strategy, MEMSCOPE_STRATEGY_HYBRID_TRACKING);
    environment.kind = 4;
    ck_assert_int_eq(memscope_select_strategy(&environment, &strategy), MEMSCOPE_INVALID_ARGUMENT);
    environment.kind = MEMSCOPE_ENVIRONMENT_ASYNC_RUNTIME;
    OK(memscope_select_strategy(&environment, &strategy));
    ck_assert_int_eq(strategy, MEMSCOPE_STRATEGY_TASK_LOCAL);
}
END_TEST

START_TEST(without_detection_the_environment_is_single_threaded) {
    struct memscope_config config = memscope_config_default();
    struct memscope_analysis data;
    memscope_backend backend;
    config.auto_detect = false;
    OK(memscope_backend_initialize(&config, &backend));
    run_a_thread();
    OK(memscope_backend_collect(backend, &data));
    ck_assert_int_eq(data.environment.kind, MEMSCOPE_ENVIRONMENT_SINGLE_THREADED);
    ck_assert_int_eq(data.session_metadata.strategy_used, MEMSCOPE_STRATEGY_THREAD_LOCAL);
    ck_assert(data.session_metadata.strategy_upgraded);
    memscope_analysis_free(&data);
}
END_TEST

START_TEST(a_damaged_module_descriptor_is_told) {
    static struct memscope_module module;
    struct memscope_config config = memscope_config_default();
    struct memscope_environment environment;
    void (*load)(struct memscope_module *);
    void *symbol = dlsym(RTLD_DEFAULT, "__memscope_module_load");
    ck_assert_ptr_nonnull(symbol);
    memcpy(&load, &symbol, sizeof load);
    module.abi_version = MEMSCOPE_ABI_VERSION;
    module.name = "sound.c";
    load(&module);
    OK(memscope_detect_environment(&environment));
    module.flags = 1u << 31; // none that there is
    load(&module);
    ck_assert_int_eq(memscope_detect_environment(&environment),
                     MEMSCOPE_ENVIRONMENT_DETECTION_FAILED);
    expect_refused(&config, MEMSCOPE_ENVIRONMENT_DETECTION_FAILED,
                   "a module descriptor is damaged, or of another version of MemScope");
}
END_TEST

START_TEST(an_inexact_forced_strategy_is_refused) {
    struct memscope_config config = memscope_config_default();
    memscope_backend backend;
    run_a_thread();
    config.force_strategy = MEMSCOPE_STRATEGY_GLOBAL_DIRECT;
    expect_refused(&config, MEMSCOPE_STRATEGY_SELECTION_FAILED,
                   "GlobalDirect cannot be exact for this program, which is MultiThreaded: "
                   "threads have been started");
    config.force_strategy = MEMSCOPE_STRATEGY_THREAD_LOCAL;
    OK(memscope_backend_initialize(&config, &backend));
}
END_TEST

static char logged[256];
static void keep_log(void *context, int level, const char *message) {
    snprintf(logged, sizeof logged, "%s %d %s", (const char *)context, level, message);
}

START_TEST(a_forced_strategy_is_used_and_logged) {
    static char mine[] = "mine";
    struct memscope_config config = memscope_config_default();
    struct memscope_analysis data;
    memscope_backend backend;
    OK(memscope_set_log(keep_log, mine));
    config.force_strategy = MEMSCOPE_STRATEGY_HYBRID_TRACKING;
    OK(memscope_backend_initialize(&config, &backend));
    ck_assert_str_eq(logged, "mine 1 the strategy is forced: HybridTracking");
    void *block = truths_allocate(100000);
    OK(memscope_backend_collect(backend, &data));
    ck_assert_int_eq(data.session_metadata.strategy_used, MEMSCOPE_STRATEGY_HYBRID_TRACKING);
    ck_assert(data.session_metadata.strategy_forced && !data.session_metadata.strategy_upgraded);
    ck_assert_int_eq(data.environment.kind, MEMSCOPE_ENVIRONMENT_SINGLE_THREADED);
    struct truths_read read = truths_read(&data);
    ck_assert_uint_eq(read.allocations, data.statistics.total_allocations);
    ck_assert_uint_eq(read.bytes, data.statistics.total_bytes);
    memscope_analysis_free(&data);
    truths_free(block);
}
END_TEST

START_TEST(session_ids_and_times_are_their_own) {
    memscope_backend backend = truths_backend();
    memscope_session first, second;
    char first_id[MEMSCOPE_SESSION_ID_BYTES], second_id[MEMSCOPE_SESSION_ID_BYTES];
    uint64_t before, after;
    OK(memscope_start_tracking(backend, &first));
    OK(memscope_start_tracking(backend, &second));
    OK(memscope_session_id(first, first_id));
    OK(memscope_session_id(second, second_id));
    ck_assert_uint_eq(strlen(first_id), 34);
    ck_assert_str_ne(first_id, second_id);
    OK(memscope_session_elapsed_ns(first, &before));
    usleep(2000);
    OK(memscope_session_elapsed_ns(first, &after));
    ck_assert_uint_ge(after - before, 2000000);
    OK(memscope_session_end(first, NULL));
    ck_assert_int_eq(memscope_session_elapsed_ns(first, &after), MEMSCOPE_ENDED);
    OK(memscope_session_id(first, second_id));
    ck_assert_str_eq(first_id, second_id);
}
END_TEST

START_TEST(use_after_the_end_is_a_status) {
    memscope_backend backend = truths_backend();
    memscope_session ended, open;
    struct memscope_analysis data;
    OK(memscope_start_tracking(backend, &ended));
    OK(memscope_start_tracking(backend, &open));
    OK(memscope_session_end(ended, NULL));
    ck_assert_int_eq(memscope_session_end(ended, NULL), MEMSCOPE_ENDED);
    ck_assert_str_eq(memscope_error_message(), "the session has ended");
    ck_assert_int_eq(memscope_session_collect(ended, &data), MEMSCOPE_ENDED);
    ck_assert_int_eq(memscope_session_collect(0, &data), MEMSCOPE_INVALID_ARGUMENT);
    ck_assert_int_eq(memscope_session_collect(open + 5, &data), MEMSCOPE_INVALID_ARGUMENT);
    ck_assert_int_eq(memscope_session_collect(~open, &data), MEMSCOPE_INVALID_ARGUMENT);
    ck_assert_int_eq(memscope_session_collect(open, NULL), MEMSCOPE_INVALID_ARGUMENT);
    OK(memscope_backend_shutdown(backend, &data));
    memscope_analysis_free(&data);
    ck_assert_int_eq(memscope_session_end(open, NULL), MEMSCOPE_ENDED); // the shutdown did
    ck_assert_int_eq(memscope_start_tracking(backend, &open), MEMSCOPE_ENDED);
    ck_assert_int_eq(memscope_backend_shutdown(backend, NULL), MEMSCOPE_ENDED);
    ck_assert_int_eq(memscope_backend_collect(backend, &data), MEMSCOPE_ENDED);
}
END_TEST

static int in_child(memscope_backend backend, memscope_session session) {
    struct memscope_analysis data;
    memscope_backend own;
    memscope_session mine;
    void *block = truths_allocate(10); // the child's first event
    if (memscope_session_collect(session, &data) != MEMSCOPE_FORKED ||
        memscope_session_end(session, NULL) != MEMSCOPE_FORKED ||
        memscope_backend_collect(backend, &data) != MEMSCOPE_FORKED ||
        memscope_start_tracking(backend, &mine) != MEMSCOPE_FORKED)
        return 1;
    if (memscope_backend_initialize(NULL, &own) != MEMSCOPE_OK || own == backend ||
        memscope_start_tracking(own, &mine) != MEMSCOPE_OK)
        return 2;
    truths_free(block);
    block = truths_allocate(20);
    if (memscope_session_end(mine, &data) != MEMSCOPE_OK)
        return 3;
    bool exact = data.statistics.total_allocations == 1 && data.statistics.total_bytes == 20 &&
                 data.statistics.total_frees == 1 && data.statistics.earlier_frees == 1;
    memscope_analysis_free(&data);
    truths_free(block);
    return exact ? 0 : 4;
}

START_TEST(use_in_a_fork_child_is_a_status) {
    memscope_backend backend = truths_backend();
    memscope_session session;
    int status;
    OK(memscope_start_tracking(backend, &session));
    pid_t child = fork();
    if (child == 0)
        _exit(in_child(backend, session));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
    OK(memscope_session_end(session, NULL));
}
END_TEST

START_TEST(the_copy_is_one_that_the_reader_accepts) {
    memscope_backend backend = truths_backend();
    memscope_session session;
    struct memscope_analysis data;
    char id[MEMSCOPE_SESSION_ID_BYTES];
    void *blocks[500];
    OK(memscope_start_tracking(backend, &session));
    truths_allocate_many(blocks, 500, 30);
    OK(memscope_session_id(session, id));
    OK(memscope_session_end(session, &data));
    struct memscope_analysis whole;
    OK(memscope_backend_collect(backend, &whole));
    struct truths_read read = truths_read(&whole);
    ck_assert_uint_eq(read.allocations, whole.statistics.total_allocations);
    ck_assert_uint_eq(read.bytes, whole.statistics.total_bytes);
    ck_assert_uint_eq(read.frees, whole.statistics.total_frees);
    read = truths_read(&data);
    ck_assert_uint_eq(read.session_count, 1);
    ck_assert_str_eq(read.last_session, id);
    ck_assert_str_eq(data.session_metadata.session_id, id);
    ck_assert_double_ge(data.session_metadata.overhead_percent, 0.0);
    memscope_analysis_free(&data);
    memscope_analysis_free(&data);
    memscope_analysis_free(&whole);
    ck_assert_ptr_null(data.raw_data);
    truths_free_many(blocks, 500);
}
END_TEST

START_TEST(the_copy_is_written_whole_or_the_write_has_failed) {
    memscope_backend backend = truths_backend();
    struct memscope_analysis data;
    OK(memscope_backend_collect(backend, &data));
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    OK(memscope_analysis_write(&data, fileno(file)));
    ck_assert_int_eq(lseek(fileno(file), 0, SEEK_END), (off_t)data.raw_size);
    fclose(file);
    int full = open("/dev/full", O_WRONLY), ends[2];
    ck_assert_int_eq(memscope_analysis_write(&data, full), MEMSCOPE_DATA_COLLECTION_FAILED);
    ck_assert_str_eq(memscope_error_message(),
                     "0 bytes were written and no more: no space left on the device");
    close(full);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    errno = 55;
    ck_assert_int_eq(memscope_analysis_write(&data, ends[1]), MEMSCOPE_DATA_COLLECTION_FAILED);
    ck_assert_int_eq(errno, 55);
    close(ends[1]);
    memscope_analysis_free(&data);
    ck_assert_int_eq(memscope_analysis_write(&data, 1), MEMSCOPE_INVALID_ARGUMENT);
}
END_TEST

START_TEST(nothing_of_an_analysis_is_the_programs_memory) {
    memscope_backend backend = truths_backend();
    struct memscope_analysis first, second;
    memscope_session session;
    memscope_status a = memscope_backend_collect(backend, &first);
    memscope_status b = memscope_start_tracking(backend, &session);
    memscope_status c = memscope_session_end(session, NULL);
    memscope_status d = memscope_backend_collect(backend, &second);
    ck_assert(a == MEMSCOPE_OK && b == MEMSCOPE_OK && c == MEMSCOPE_OK && d == MEMSCOPE_OK);
    ck_assert_uint_eq(first.statistics.total_allocations, second.statistics.total_allocations);
    ck_assert_uint_eq(first.statistics.live_bytes, second.statistics.live_bytes);
    memscope_analysis_free(&first);
    memscope_analysis_free(&second);
}
END_TEST

static void *fail_elsewhere(void *message) {
    struct memscope_config config = memscope_config_default();
    memscope_backend backend;
    bool fresh = memscope_error_message()[0] == '\0';
    config.sample_rate = 2;
    (void)memscope_backend_initialize(&config, &backend);
    strcpy((char *)message, fresh ? memscope_error_message() : "not fresh");
    return NULL;
}

START_TEST(error_messages_are_each_threads_own) {
    char message[512];
    pthread_t thread;
    ck_assert_int_eq(memscope_session_end(0, NULL), MEMSCOPE_INVALID_ARGUMENT);
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, message), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(message, "sample_rate is 2; it takes 0.0 to 1.0");
    ck_assert_str_eq(memscope_error_message(), "no session has this handle");
}
END_TEST

START_TEST(names_are_those_of_reports) {
    ck_assert_str_eq(memscope_environment_name(MEMSCOPE_ENVIRONMENT_HYBRID), "Hybrid");
    ck_assert_str_eq(memscope_environment_name(9), "unknown");
    ck_assert_str_eq(memscope_strategy_name(MEMSCOPE_STRATEGY_HYBRID_TRACKING), "HybridTracking");
    ck_assert_str_eq(memscope_strategy_name(MEMSCOPE_STRATEGY_NONE), "unknown");
    ck_assert_str_eq(memscope_runtime_name(MEMSCOPE_RUNTIME_OPENMP), "OpenMP");
    ck_assert_str_eq(memscope_status_text(MEMSCOPE_OK), "success");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api");
    TRUTHS_ADD(suite, the_default_configuration_is_as_documented);
    TRUTHS_ADD(suite, a_bad_field_is_refused_with_its_name_value_and_range);
    TRUTHS_ADD(suite, a_sample_rate_keeps_totals_exact);
    TRUTHS_ADD(suite, what_tracking_costs_is_measured);
    TRUTHS_ADD(suite, a_short_session_tells_that_it_hardly_knows_its_cost);
    TRUTHS_ADD(suite, there_is_one_backend_a_process);
    TRUTHS_ADD(suite, the_environment_is_what_ran_so_far);
    TRUTHS_ADD(suite, without_detection_the_environment_is_single_threaded);
    TRUTHS_ADD(suite, a_damaged_module_descriptor_is_told);
    TRUTHS_ADD(suite, an_inexact_forced_strategy_is_refused);
    TRUTHS_ADD(suite, a_forced_strategy_is_used_and_logged);
    TRUTHS_ADD(suite, session_ids_and_times_are_their_own);
    TRUTHS_ADD(suite, use_after_the_end_is_a_status);
    TRUTHS_ADD(suite, use_in_a_fork_child_is_a_status);
    TRUTHS_ADD(suite, the_copy_is_one_that_the_reader_accepts);
    TRUTHS_ADD(suite, the_copy_is_written_whole_or_the_write_has_failed);
    TRUTHS_ADD(suite, nothing_of_an_analysis_is_the_programs_memory);
    TRUTHS_ADD(suite, error_messages_are_each_threads_own);
    TRUTHS_ADD(suite, names_are_those_of_reports);
    return truths_run(suite);
}
