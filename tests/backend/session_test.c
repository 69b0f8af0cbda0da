// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions on one thread: every figure of an interval, difference 0.

#include "truths.h"

#include <string.h>

enum { MANY = 100 };

// Between a session's start and end nothing but what is to be counted: assertions allocate.
START_TEST(a_session_counts_its_interval_exactly) {
    memscope_backend backend = truths_backend();
    memscope_session session = 0;
    struct memscope_analysis first, last;
    void *before[MANY], *during[MANY];
    memset(&first, 0, sizeof first);
    memset(&last, 0, sizeof last);
    truths_allocate_many(before, MANY, 10);
    memscope_status started = memscope_start_tracking(backend, &session);
    truths_allocate_many(during, MANY, 1000);
    truths_free_many(during, 30);
    memscope_status collected = memscope_session_collect(session, &first);
    truths_free_many(during + 30, MANY - 30);
    truths_free_many(before, MANY);
    memscope_status ended = memscope_session_end(session, &last);
    ck_assert(started == MEMSCOPE_OK && collected == MEMSCOPE_OK && ended == MEMSCOPE_OK);
    ck_assert_uint_eq(first.statistics.total_allocations, MANY);
    ck_assert_uint_eq(first.statistics.total_bytes, truths_bytes(MANY, 1000));
    ck_assert_uint_eq(first.statistics.total_frees, 30);
    ck_assert_uint_eq(first.statistics.freed_bytes, truths_bytes(30, 1000));
    ck_assert_double_eq(first.statistics.avg_allocation_size,
                        (double)truths_bytes(MANY, 1000) / MANY);
    ck_assert_uint_eq(last.statistics.total_allocations, MANY);
    ck_assert_uint_eq(last.statistics.total_frees, 2 * MANY);
    ck_assert_uint_eq(last.statistics.freed_bytes,
                      truths_bytes(MANY, 1000) + truths_bytes(MANY, 10));
    ck_assert_uint_eq(first.statistics.live_bytes - last.statistics.live_bytes,
                      truths_bytes(MANY, 1000) - truths_bytes(30, 1000) + truths_bytes(MANY, 10));
    memscope_analysis_free(&first);
    memscope_analysis_free(&last);
}
END_TEST

START_TEST(a_sessions_peak_is_exact_on_one_thread) {
    memscope_backend backend = truths_backend();
    memscope_session outer, inner;
    struct memscope_analysis data;
    struct memscope_analysis whole;
    void *high = truths_allocate(1000000); // the process's peak
    truths_free(high);
    ck_assert_int_eq(memscope_backend_collect(backend, &whole), MEMSCOPE_OK);
    uint64_t live = whole.statistics.live_bytes, peak = whole.statistics.peak_memory_bytes;
    ck_assert_uint_ge(peak, 1000000);
    memscope_analysis_free(&whole);
    ck_assert_int_eq(memscope_start_tracking(backend, &outer), MEMSCOPE_OK);
    void *block = truths_allocate(5000);
    truths_free(block);
    ck_assert_int_eq(memscope_start_tracking(backend, &inner), MEMSCOPE_OK);
    block = truths_allocate(300);
    truths_free(block);
    ck_assert_int_eq(memscope_session_end(inner, &data), MEMSCOPE_OK);
    ck_assert_uint_eq(data.statistics.peak_memory_bytes, live + 300);
    ck_assert_uint_eq(data.statistics.peak_error_bytes, 0);
    memscope_analysis_free(&data);
    ck_assert_int_eq(memscope_session_collect(outer, &data), MEMSCOPE_OK);
    ck_assert_uint_eq(data.statistics.peak_memory_bytes, live + 5000);
    memscope_analysis_free(&data);
    block = truths_allocate(7000);
    truths_free(block);
    ck_assert_int_eq(memscope_session_end(outer, &data), MEMSCOPE_OK);
    ck_assert_uint_eq(data.statistics.peak_memory_bytes, live + 7000);
    ck_assert_uint_eq(data.statistics.peak_error_bytes, 0);
    memscope_analysis_free(&data);
    ck_assert_int_eq(memscope_backend_collect(backend, &whole), MEMSCOPE_OK);
    ck_assert_uint_eq(whole.statistics.peak_memory_bytes, peak);
    memscope_analysis_free(&whole);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("session");
    TRUTHS_ADD(suite, a_session_counts_its_interval_exactly);
    TRUTHS_ADD(suite, a_sessions_peak_is_exact_on_one_thread);
    return truths_run(suite);
}
