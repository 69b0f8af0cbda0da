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

// Blocks from before: each of these allocates by a stack of its own.
static __attribute__((noinline)) void allocate_first(void **blocks) {
    truths_allocate_many(blocks, MANY, 20);
}
static __attribute__((noinline)) void allocate_then(void **blocks) {
    truths_allocate_many(blocks, MANY, 50);
}

START_TEST(frees_of_blocks_from_before_are_told) {
    memscope_backend backend = truths_backend();
    memscope_session session, same;
    struct memscope_analysis data, bounded;
    void *before[MANY], *during[MANY];
    memset(&data, 0, sizeof data);
    memset(&bounded, 0, sizeof bounded);
    allocate_first(before);
    memscope_status a = memscope_start_tracking(backend, &session);
    allocate_then(during);
    truths_free_many(during, 60);
    truths_free_many(before, 25);
    memscope_status b = memscope_session_end(session, &data);
    // By the same stack, so only bounds are known: 40 are freed, all of them from before.
    memscope_status c = memscope_start_tracking(backend, &same);
    allocate_then(during);
    truths_free_many(before + 25, 40);
    memscope_status d = memscope_session_end(same, &bounded);
    ck_assert(a == MEMSCOPE_OK && b == MEMSCOPE_OK && c == MEMSCOPE_OK && d == MEMSCOPE_OK);
    ck_assert_uint_eq(data.statistics.total_frees, 85);
    ck_assert_uint_eq(data.statistics.earlier_frees, 25);
    ck_assert_uint_eq(data.statistics.earlier_frees_error, 0);
    ck_assert_uint_eq(data.statistics.earlier_freed_bytes, truths_bytes(25, 20));
    ck_assert_uint_eq(data.statistics.earlier_freed_bytes_error, 0);
    ck_assert_uint_le(bounded.statistics.earlier_frees, 40);
    ck_assert_uint_ge(bounded.statistics.earlier_frees + bounded.statistics.earlier_frees_error,
                      40);
    memscope_analysis_free(&data);
    memscope_analysis_free(&bounded);
}
END_TEST

START_TEST(nested_and_overlapping_sessions_are_exact) {
    memscope_backend backend = truths_backend();
    memscope_session outer, inner, later;
    struct memscope_analysis outer_data, inner_data, later_data;
    void *blocks[MANY];
    memscope_status statuses[6];
    statuses[0] = memscope_start_tracking(backend, &outer);
    truths_allocate_many(blocks, 10, 1000);
    statuses[1] = memscope_start_tracking(backend, &inner);
    truths_allocate_many(blocks, 20, 2000);
    statuses[2] = memscope_start_tracking(backend, &later);
    truths_allocate_many(blocks, 30, 3000);
    statuses[3] = memscope_session_end(inner, &inner_data);
    truths_allocate_many(blocks, 40, 4000);
    statuses[4] = memscope_session_end(outer, &outer_data);
    truths_allocate_many(blocks, 50, 5000);
    statuses[5] = memscope_session_end(later, &later_data);
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(statuses[i], MEMSCOPE_OK);
    ck_assert_uint_eq(outer_data.statistics.total_allocations, 100);
    ck_assert_uint_eq(outer_data.statistics.total_bytes,
                      truths_bytes(10, 1000) + truths_bytes(20, 2000) + truths_bytes(30, 3000) +
                          truths_bytes(40, 4000));
    ck_assert_uint_eq(inner_data.statistics.total_allocations, 50);
    ck_assert_uint_eq(inner_data.statistics.total_bytes,
                      truths_bytes(20, 2000) + truths_bytes(30, 3000));
    ck_assert_uint_eq(later_data.statistics.total_allocations, 120);
    ck_assert_uint_eq(later_data.statistics.total_bytes,
                      truths_bytes(30, 3000) + truths_bytes(40, 4000) + truths_bytes(50, 5000));
    // Nothing was freed, so each one's peak is what was alive at its end.
    ck_assert_uint_eq(outer_data.statistics.peak_memory_bytes, outer_data.statistics.live_bytes);
    ck_assert_uint_eq(later_data.statistics.peak_memory_bytes, later_data.statistics.live_bytes);
    memscope_analysis_free(&outer_data);
    memscope_analysis_free(&inner_data);
    memscope_analysis_free(&later_data);
}
END_TEST

START_TEST(a_session_without_allocations_has_the_average_0) {
    memscope_backend backend = truths_backend();
    memscope_session session;
    struct memscope_analysis data;
    memscope_status started = memscope_start_tracking(backend, &session);
    memscope_status ended = memscope_session_end(session, &data);
    ck_assert(started == MEMSCOPE_OK && ended == MEMSCOPE_OK);
    ck_assert_uint_eq(data.statistics.total_allocations, 0);
    ck_assert_double_eq(data.statistics.avg_allocation_size, 0.0);
    ck_assert_uint_eq(data.statistics.peak_memory_bytes, data.statistics.live_bytes);
    memscope_analysis_free(&data);
}
END_TEST

START_TEST(ten_thousand_sessions_leave_a_bounded_profile) {
    memscope_backend backend = truths_backend();
    struct memscope_analysis data;
    memscope_session session, first = 0;
    for (int i = 0; i < 10000; i++) {
        memscope_status started = memscope_start_tracking(backend, &session);
        first = first ? first : session;
        if (started != MEMSCOPE_OK || memscope_session_end(session, NULL) != MEMSCOPE_OK)
            ck_abort_msg("session %d: %s", i, memscope_error_message());
    }
    ck_assert_int_eq(memscope_session_end(first, NULL), MEMSCOPE_ENDED);
    ck_assert_int_eq(memscope_backend_collect(backend, &data), MEMSCOPE_OK);
    ck_assert_uint_eq(truths_read(&data).session_count, 4096);
    ck_assert_uint_lt(data.raw_size, 2000000);
    memscope_analysis_free(&data);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("session");
    TRUTHS_ADD(suite, a_session_counts_its_interval_exactly);
    TRUTHS_ADD(suite, a_sessions_peak_is_exact_on_one_thread);
    TRUTHS_ADD(suite, frees_of_blocks_from_before_are_told);
    TRUTHS_ADD(suite, nested_and_overlapping_sessions_are_exact);
    TRUTHS_ADD(suite, a_session_without_allocations_has_the_average_0);
    TRUTHS_ADD(suite, ten_thousand_sessions_leave_a_bounded_profile);
    return truths_run(suite);
}
