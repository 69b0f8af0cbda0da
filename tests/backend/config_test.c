// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Configurations: what is refused and how, what a second backend takes on, what options do to it,
// where the profile goes, what the log is told.

#include "truths.h"

#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call) == MEMSCOPE_OK, "%s", memscope_error_message())

static void expect_refused(const struct memscope_config *config, memscope_status wanted,
                           const char *words) {
    memscope_backend backend = 77;
    ck_assert_int_eq(memscope_backend_initialize(config, &backend), wanted);
    ck_assert_uint_eq(backend, 77);
    ck_assert_str_eq(memscope_error_message(), words);
}

// ---- what is refused ---------------------------------------------------------------------------

static void expect_real_refused(double value, const char *told) {
    struct memscope_config config = memscope_config_default();
    char words[128];
    config.sample_rate = value;
    snprintf(words, sizeof words, "sample_rate is %s; it takes 0.0 to 1.0", told);
    expect_refused(&config, MEMSCOPE_CONFIGURATION, words);
}

START_TEST(a_refused_value_is_told_to_where_it_is_wrong) {
    expect_real_refused(1.0001, "1.0001");
    expect_real_refused(1.000000001, "1.000000001");
    expect_real_refused(1 + 1e-12, "nearly 1");
    expect_real_refused(-0.25, "-0.25");
    expect_real_refused(-1e-300, "nearly -0");
    expect_real_refused(1e300, "1000000000 or more");
    expect_real_refused(-1e300, "-1000000000 or more");
    expect_real_refused(HUGE_VAL, "infinity");
}
END_TEST

START_TEST(a_refused_strategy_or_path_is_told) {
    struct memscope_config config = memscope_config_default();
    static char path[1100];
    config.force_strategy = -2;
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "force_strategy is -2; it takes -1 (none) or 0 to 3 (enum memscope_strategy)");
    config.force_strategy = INT_MAX;
    ck_assert_int_eq(memscope_backend_initialize(&config, NULL), MEMSCOPE_INVALID_ARGUMENT);
    memset(path, 'x', 1024);
    config = memscope_config_default();
    config.output = path;
    expect_refused(&config, MEMSCOPE_CONFIGURATION,
                   "output is too long; it takes a path of 1 to 1023 bytes, or NULL");
}
END_TEST

// A host that lets its floating-point unit trap is not ended by what it passes, nor by a session.
START_TEST(nans_are_refused_where_floating_point_traps) {
    struct memscope_config config = memscope_config_default();
    memscope_backend backend = 0;
    memscope_session session;
    struct memscope_analysis data;
    int excepts = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT;
    config.max_overhead_percent = NAN;
    ck_assert_int_ne(feenableexcept(excepts), -1);
    memscope_status refused = memscope_backend_initialize(&config, &backend);
    memscope_status begun = memscope_backend_initialize(NULL, &backend);
    memscope_status started = memscope_start_tracking(backend, &session);
    for (int i = 0; i < 5000; i++)
        truths_free(truths_allocate(77));
    memscope_status ended = memscope_session_end(session, &data);
    int still = fegetexcept();
    (void)fedisableexcept(FE_ALL_EXCEPT);
    ck_assert_int_eq(still, excepts);
    ck_assert_int_eq(refused, MEMSCOPE_CONFIGURATION);
    ck_assert(begun == MEMSCOPE_OK && started == MEMSCOPE_OK && ended == MEMSCOPE_OK);
    ck_assert_uint_eq(data.statistics.total_allocations, 5000);
    ck_assert_double_eq(data.statistics.avg_allocation_size, 77.0);
    memscope_analysis_free(&data);
}
END_TEST

static int raised_at_start;
__attribute__((constructor)) static void look_at_flags(void) {
    truths_free(truths_allocate(10));
    raised_at_start = fetestexcept(FE_ALL_EXCEPT);
}

START_TEST(no_flag_of_floating_point_is_raised) {
    truths_with_options("sample_rate=0.3:max_overhead_percent=1.7");
    memscope_backend backend;
    memscope_session session;
    struct memscope_analysis data;
    ck_assert_int_eq(raised_at_start, 0);
    (void)feclearexcept(FE_ALL_EXCEPT);
    memscope_status begun = memscope_backend_initialize(NULL, &backend);
    memscope_status started = memscope_start_tracking(backend, &session);
    for (int i = 0; i < 50000; i++)
        truths_free(truths_allocate(77));
    memscope_status ended = memscope_session_end(session, &data);
    int raised = fetestexcept(FE_ALL_EXCEPT);
    ck_assert(begun == MEMSCOPE_OK && started == MEMSCOPE_OK && ended == MEMSCOPE_OK);
    ck_assert_int_eq(raised, 0);
    memscope_analysis_free(&data);
}
END_TEST

START_TEST(any_other_field_is_another_configuration) {
    struct memscope_config config = memscope_config_default();
    memscope_backend backend = truths_backend(), same = 0;
    OK(memscope_backend_initialize(&config, &same));
    ck_assert_uint_eq(same, backend);
    for (int field = 0; field < 5; field++) {
        config = memscope_config_default();
        if (field == 0)
            config.auto_detect = false;
        else if (field == 1)
            config.force_strategy = MEMSCOPE_STRATEGY_HYBRID_TRACKING;
        else if (field == 2)
            config.sample_rate = 0.999999;
        else if (field == 3)
            config.max_overhead_percent = 5.000001;
        else
            config.output = "elsewhere.msp";
        expect_refused(&config, MEMSCOPE_CONFIGURATION,
                       "the process has a backend of another configuration");
    }
    struct memscope_analysis data;
    OK(memscope_backend_shutdown(backend, &data)); // nothing of them was taken on
    ck_assert_int_eq(data.session_metadata.strategy_used, MEMSCOPE_STRATEGY_GLOBAL_DIRECT);
    ck_assert(!data.session_metadata.strategy_forced);
    ck_assert_str_eq(truths_read(&data).level, "contexts");
    memscope_analysis_free(&data);
}
END_TEST

// The two calls, from eight threads: one backend.
static void *initialize(void *backend_out) {
    return memscope_backend_initialize(NULL, (memscope_backend *)backend_out) == MEMSCOPE_OK
               ? backend_out
               : NULL;
}

START_TEST(threads_that_initialize_at_once_get_the_same_backend) {
    pthread_t threads[8];
    memscope_backend backends[8];
    void *good;
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, initialize, &backends[i]), 0);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &good), 0);
        ck_assert_ptr_nonnull(good);
        ck_assert_uint_eq(backends[i], backends[0]);
    }
}
END_TEST

// ---- one backend after another -----------------------------------------------------------------

static struct truths_read open_and_shut(const struct memscope_config *config,
                                        struct memscope_analysis *data) {
    memscope_backend backend;
    OK(memscope_backend_initialize(config, &backend));
    for (int i = 0; i < 1000; i++)
        truths_free(truths_allocate(100));
    OK(memscope_backend_shutdown(backend, data));
    return truths_read(data);
}

START_TEST(a_new_backend_counts_as_it_is_configured) {
    struct memscope_config config = memscope_config_default();
    struct memscope_analysis data;
    config.sample_rate = 0.25;
    config.max_overhead_percent = 0;
    struct truths_read read = open_and_shut(&config, &data);
    memscope_analysis_free(&data);
    ck_assert_str_eq(read.level, "sampled");
    ck_assert_double_eq_tol(read.sample_rate, 0.25, 1e-3);
    config.sample_rate = 1;
    read = open_and_shut(&config, &data);
    memscope_analysis_free(&data);
    ck_assert_str_eq(read.level, "contexts");
    ck_assert_double_eq(read.sample_rate, 1);
    ck_assert_double_eq(read.budget_percent, 0);
    config.max_overhead_percent = 100;
    read = open_and_shut(&config, &data);
    memscope_analysis_free(&data);
    ck_assert_double_eq(read.budget_percent, 100);
    size_t changes = read.level_count;
    read = open_and_shut(&config, &data); // the same: nothing changes
    memscope_analysis_free(&data);
    ck_assert_uint_eq(read.level_count, changes);
}
END_TEST

static void *idle(void *nothing) {
    return nothing;
}

START_TEST(a_new_backend_detects_where_the_last_did_not) {
    struct memscope_config config = memscope_config_default();
    struct memscope_analysis data;
    pthread_t thread;
    config.auto_detect = false;
    (void)open_and_shut(&config, &data);
    memscope_analysis_free(&data);
    ck_assert(data.session_metadata.strategy_forced && !data.session_metadata.strategy_upgraded);
    ck_assert_int_eq(pthread_create(&thread, NULL, idle, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    config.auto_detect = true;
    (void)open_and_shut(&config, &data);
    memscope_analysis_free(&data);
    ck_assert_int_eq(data.environment.kind, MEMSCOPE_ENVIRONMENT_MULTI_THREADED);
    ck_assert_int_eq(data.session_metadata.strategy_used, MEMSCOPE_STRATEGY_THREAD_LOCAL);
    ck_assert(!data.session_metadata.strategy_forced && !data.session_metadata.strategy_upgraded);
}
END_TEST

START_TEST(sessions_that_a_shutdown_ends_are_whole) {
    memscope_backend backend = truths_backend(), next;
    memscope_session sessions[20];
    struct memscope_analysis data;
    char id[MEMSCOPE_SESSION_ID_BYTES];
    memscope_status status = MEMSCOPE_OK; // assertions allocate
    for (int i = 0; i < 20 && status == MEMSCOPE_OK; i++) {
        status = memscope_start_tracking(backend, &sessions[i]);
        truths_free(truths_allocate(10));
    }
    if (status == MEMSCOPE_OK)
        status = memscope_backend_shutdown(backend, &data);
    OK(status);
    struct truths_read read = truths_read(&data);
    memscope_analysis_free(&data);
    ck_assert_uint_eq(read.session_count, 20);
    ck_assert_uint_eq(read.open_count, 0);
    ck_assert_uint_eq(read.session_calls,
                      20 * 21 / 2);            // the first one spans all, the last one call
    OK(memscope_session_id(sessions[19], id)); // holds for ended ones
    ck_assert_str_eq(read.last_session, id);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(memscope_session_collect(sessions[i], &data), MEMSCOPE_ENDED);
    OK(memscope_backend_initialize(NULL, &next));
    ck_assert_int_eq(memscope_session_end(sessions[0], NULL), MEMSCOPE_ENDED);
    ck_assert_int_eq(memscope_start_tracking(backend, &sessions[0]), MEMSCOPE_ENDED);
    OK(memscope_start_tracking(next, &sessions[0]));
}
END_TEST

// ---- options -----------------------------------------------------------------------------------

static char logged[8][256];
static int levels[8], logged_count;

static void keep_log(void *context, int level, const char *message) {
    (void)context;
    if (logged_count < 8) {
        levels[logged_count] = level;
        snprintf(logged[logged_count++], sizeof logged[0], "%s", message);
    }
}

// Also one that asks for what would be anyway.
START_TEST(an_option_that_is_given_has_precedence) {
    truths_with_options("sample_rate=1:max_overhead_percent=0");
    struct memscope_config config = memscope_config_default();
    struct memscope_analysis data;
    OK(memscope_set_log(keep_log, NULL));
    config.sample_rate = 0.5;
    config.max_overhead_percent = 3;
    struct truths_read read = open_and_shut(&config, &data);
    memscope_analysis_free(&data);
    ck_assert_str_eq(read.level, "contexts");
    ck_assert_uint_eq(read.level_count, 1);
    ck_assert_int_eq(logged_count, 2);
    ck_assert_str_eq(logged[0], "the option sample_rate has precedence over the configuration");
    ck_assert_str_eq(logged[1],
                     "the option max_overhead_percent has precedence over the configuration");
}
END_TEST

START_TEST(an_option_leaves_the_other_fields_alone) {
    truths_with_options("sample_rate=0.125");
    struct memscope_analysis data;
    struct truths_read read = open_and_shut(NULL, &data);
    memscope_analysis_free(&data);
    ck_assert_str_eq(read.level, "sampled");
    ck_assert_double_eq_tol(read.sample_rate, 0.125, 1e-3);
    ck_assert_double_eq(read.budget_percent, 5.0);
}
END_TEST

START_TEST(real_options_are_read_as_people_write_them) {
    truths_with_options("sample_rate=1e-3:max_overhead_percent=12.3456789012345678901");
    struct memscope_config config = memscope_config_default();
    struct memscope_analysis data;
    struct truths_read read;
    OK(memscope_set_log(keep_log, NULL));
    config.sample_rate = 1e-3;
    config.max_overhead_percent = 12.3456789012345678901;
    read = open_and_shut(&config, &data);
    memscope_analysis_free(&data);
    ck_assert_int_eq(logged_count, 0); // they are the same to the last bit
    ck_assert_double_eq_tol(read.sample_rate, 1e-3, 1e-6);
    ck_assert_double_eq(read.budget_percent, config.max_overhead_percent);
}
END_TEST

// ---- where the profile goes --------------------------------------------------------------------

START_TEST(an_output_that_cannot_be_written_is_told) {
    truths_with_options("output=''");
    struct memscope_config config = memscope_config_default();
    memscope_backend backend;
    pthread_t thread;
    char path[64], words[128];
    struct stat file;
    config.output = "/nowhere/x.msp";
    expect_refused(&config, MEMSCOPE_TRACKING_INITIALIZATION_FAILED,
                   "/nowhere/x.msp: no such folder");
    config.output = "/dev/null/x.msp";
    expect_refused(&config, MEMSCOPE_TRACKING_INITIALIZATION_FAILED,
                   "/dev/null/x.msp: not a folder");
    snprintf(path, sizeof path, "moved.%d.msp", getpid());
    config.output = path;
    OK(memscope_backend_initialize(&config, &backend)); // one that failed leaves nothing behind
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_int_eq((int)(file.st_mode & 0777), 0600);
    OK(memscope_backend_shutdown(backend, NULL));
    ck_assert_int_eq(pthread_create(&thread, NULL, idle, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    config.output = "late.msp";
    snprintf(words, sizeof words,
             "late.msp: the profile cannot be moved any more, since threads have been started");
    expect_refused(&config, MEMSCOPE_TRACKING_INITIALIZATION_FAILED, words);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

// ---- the log -----------------------------------------------------------------------------------

static void use_all(void) {
    struct memscope_config config = memscope_config_default();
    memscope_backend backend;
    memscope_session session;
    OK(memscope_set_log(keep_log, NULL));
    config.force_strategy = MEMSCOPE_STRATEGY_THREAD_LOCAL;
    OK(memscope_backend_initialize(&config, &backend));
    OK(memscope_start_tracking(backend, &session));
    OK(memscope_session_end(session, NULL));
    OK(memscope_backend_shutdown(backend, NULL));
}

START_TEST(verbosity_0_logs_nothing) {
    truths_with_options("verbosity=0");
    use_all();
    ck_assert_int_eq(logged_count, 0);
}
END_TEST

START_TEST(verbosity_1_logs_warnings) {
    truths_with_options("verbosity=1");
    use_all();
    ck_assert_int_eq(logged_count, 1);
    ck_assert_int_eq(levels[0], MEMSCOPE_LOG_WARNING);
    ck_assert_str_eq(logged[0], "the strategy is forced: ThreadLocal");
}
END_TEST

START_TEST(verbosity_3_logs_what_happens) {
    static const struct {
        int level;
        const char *text;
    } wanted[] = {
        {MEMSCOPE_LOG_WARNING, "the strategy is forced: ThreadLocal"},
        {MEMSCOPE_LOG_INFO, "the backend is there: SingleThreaded, ThreadLocal"},
        {MEMSCOPE_LOG_DETAIL, "session 1 begins"},
        {MEMSCOPE_LOG_DETAIL, "session 1 ends"},
        {MEMSCOPE_LOG_INFO, "the backend is shut down"},
    };
    truths_with_options("verbosity=3");
    use_all();
    int told = 0;
    for (int i = 0; i < logged_count; i++) {
        if (strncmp(logged[i], "the option output", 17) == 0)
            continue;
        ck_assert_int_lt(told, 5);
        ck_assert_str_eq(logged[i], wanted[told].text);
        ck_assert_int_eq(levels[i], wanted[told++].level);
    }
    ck_assert_int_eq(told, 5);
}
END_TEST

static void log_and_call(void *context, int level, const char *message) {
    struct memscope_environment environment;
    (void)level;
    char *copy = strdup(message); // it may allocate, and call
    *(int *)context += copy && memscope_detect_environment(&environment) == MEMSCOPE_OK;
    free(copy);
}

START_TEST(a_log_may_allocate_and_call) {
    int calls = 0;
    struct memscope_config config = memscope_config_default();
    memscope_backend backend;
    config.force_strategy = MEMSCOPE_STRATEGY_TASK_LOCAL;
    OK(memscope_set_log(log_and_call, &calls));
    OK(memscope_backend_initialize(&config, &backend));
    ck_assert_int_eq(calls, 1);
    OK(memscope_set_log(NULL, NULL));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config");
    TRUTHS_ADD(suite, a_refused_value_is_told_to_where_it_is_wrong);
    TRUTHS_ADD(suite, a_refused_strategy_or_path_is_told);
    TRUTHS_ADD(suite, nans_are_refused_where_floating_point_traps);
    TRUTHS_ADD(suite, no_flag_of_floating_point_is_raised);
    TRUTHS_ADD(suite, any_other_field_is_another_configuration);
    TRUTHS_ADD(suite, threads_that_initialize_at_once_get_the_same_backend);
    TRUTHS_ADD(suite, a_new_backend_counts_as_it_is_configured);
    TRUTHS_ADD(suite, a_new_backend_detects_where_the_last_did_not);
    TRUTHS_ADD(suite, sessions_that_a_shutdown_ends_are_whole);
    TRUTHS_ADD(suite, an_option_that_is_given_has_precedence);
    TRUTHS_ADD(suite, an_option_leaves_the_other_fields_alone);
    TRUTHS_ADD(suite, real_options_are_read_as_people_write_them);
    TRUTHS_ADD(suite, an_output_that_cannot_be_written_is_told);
    TRUTHS_ADD(suite, verbosity_0_logs_nothing);
    TRUTHS_ADD(suite, verbosity_1_logs_warnings);
    TRUTHS_ADD(suite, verbosity_3_logs_what_happens);
    TRUTHS_ADD(suite, a_log_may_allocate_and_call);
    return truths_run(suite);
}
