// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Without a runtime in the process: every call links, runs and says NOT_LINKED, and writes nothing.

#include <check.h>
#include <memscope/memscope.h>

#include <string.h>

#define NOT_LINKED(call) ck_assert_int_eq((call), MEMSCOPE_NOT_LINKED)

static void log_nothing(void *context, int level, const char *message) {
    (void)context;
    (void)level;
    (void)message;
}

START_TEST(every_call_says_not_linked) {
    struct memscope_config config = memscope_config_default();
    struct memscope_environment environment;
    struct memscope_analysis data;
    memscope_backend backend = 7;
    memscope_session session = 8;
    uint64_t ns = 9;
    int strategy = 10;
    char id[MEMSCOPE_SESSION_ID_BYTES] = "untouched";
    memset(&environment, 0, sizeof environment);
    memset(&data, 0, sizeof data);
    NOT_LINKED(memscope_backend_initialize(&config, &backend));
    NOT_LINKED(memscope_detect_environment(&environment));
    NOT_LINKED(memscope_select_strategy(&environment, &strategy));
    NOT_LINKED(memscope_backend_collect(backend, &data));
    NOT_LINKED(memscope_backend_shutdown(backend, &data));
    NOT_LINKED(memscope_start_tracking(backend, &session));
    NOT_LINKED(memscope_session_id(session, id));
    NOT_LINKED(memscope_session_elapsed_ns(session, &ns));
    NOT_LINKED(memscope_session_collect(session, &data));
    NOT_LINKED(memscope_session_end(session, &data));
    NOT_LINKED(memscope_analysis_write(&data, 1));
    NOT_LINKED(memscope_set_log(log_nothing, NULL));
    memscope_analysis_free(&data);
    ck_assert(backend == 7 && session == 8 && ns == 9 && strategy == 10 && !data.raw_data);
    ck_assert_str_eq(id, "untouched");
    ck_assert_str_eq(memscope_error_message(), "no MemScope runtime in this process");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("unlinked");
    TCase *tcase = tcase_create("unlinked");
    tcase_add_test(tcase, every_call_says_not_linked);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
