// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collections while eight threads allocate and free each other's blocks, with the runtime compiled
// in and ThreadSanitizer watching (tests/runtime says how). Sessions come and go meanwhile.

#include <memscope/abi.h>
#include <memscope/memscope.h>

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 8, BYTES = 48, SHELF = 64, COLLECTIONS = 1000 };

static struct memscope_site site = {.id = MEMSCOPE_SITE_UNREGISTERED,
                                    .kind = MEMSCOPE_KIND_MALLOC,
                                    .line = 1,
                                    .function = "test",
                                    .file = __FILE__};
static void *shelf[SHELF];
static int stop;

// What one thread puts there another takes.
static void *work(void *argument) {
    size_t turn = (size_t)(uintptr_t)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        void *block = __memscope_malloc(BYTES, &site);
        turn = turn * 5 + 3;
        block = __atomic_exchange_n(&shelf[turn / 7 % SHELF], block, __ATOMIC_ACQ_REL);
        __memscope_free(block);
    }
    return NULL;
}

static void *open_and_end(void *handle) {
    const memscope_backend *backend = handle;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        memscope_session session;
        struct memscope_environment environment;
        if (memscope_start_tracking(*backend, &session) != MEMSCOPE_OK ||
            memscope_detect_environment(&environment) != MEMSCOPE_OK ||
            memscope_session_end(session, NULL) != MEMSCOPE_OK)
            return handle;
    }
    return NULL;
}

START_TEST(collections_race_with_nobody) {
    pthread_t threads[WORKERS + 1];
    memscope_backend backend;
    memscope_session session;
    uint64_t allocations = 0, bytes = 0, frees = 0;
    void *failed;
    ck_assert_int_eq(memscope_backend_initialize(NULL, &backend), MEMSCOPE_OK);
    for (size_t i = 0; i < WORKERS; i++)
        (void)__memscope_pthread_create(&threads[i], NULL, work, (void *)i, &site);
    (void)__memscope_pthread_create(&threads[WORKERS], NULL, open_and_end, &backend, &site);
    ck_assert_int_eq(memscope_start_tracking(backend, &session), MEMSCOPE_OK);
    for (size_t i = 0; i < COLLECTIONS; i++) {
        struct memscope_analysis data;
        memscope_status status = memscope_session_collect(session, &data);
        const struct memscope_statistics *now = &data.statistics;
        ck_assert_int_eq(status, MEMSCOPE_OK);
        ck_assert_uint_ge(now->total_allocations, allocations);
        ck_assert_uint_ge(now->total_bytes, bytes);
        ck_assert_uint_ge(now->total_frees, frees);
        ck_assert_uint_le(now->total_bytes, (now->total_allocations + WORKERS) * BYTES);
        ck_assert_uint_le(now->total_allocations * BYTES, now->total_bytes + WORKERS * BYTES);
        allocations = now->total_allocations;
        bytes = now->total_bytes;
        frees = now->total_frees;
        memscope_analysis_free(&data);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i <= WORKERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    for (size_t i = 0; i < SHELF; i++)
        __memscope_free(shelf[i]);
    struct memscope_analysis data;
    ck_assert_int_eq(memscope_backend_shutdown(backend, &data), MEMSCOPE_OK);
    ck_assert_uint_eq(data.statistics.total_bytes, data.statistics.total_allocations * BYTES);
    ck_assert_uint_eq(data.statistics.total_frees, data.statistics.total_allocations);
    ck_assert_uint_eq(data.statistics.live_bytes, 0);
    memscope_analysis_free(&data);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("collect_race");
    TCase *tcase = tcase_create("collect_race");
    tcase_set_timeout(tcase, 280);
    tcase_add_test(tcase, collections_race_with_nobody);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
