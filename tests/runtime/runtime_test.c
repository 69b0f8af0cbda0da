// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The collecting code against truth by construction, through the hooks, on the mapped profile
// itself. Runs in one process (CK_FORK=no): the tests share a profile, so each looks at sites of
// its own and at differences.

#include <memscope/abi.h>

#include "base/config.h"
#include "base/shared.h"
#include "collect/overhead.h"
#include "collect/shadow.h"
#include "collect/thread.h"
#include "entry/count.h"

#include "high_refs.h"
#include "stress.h"
#include "sums.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

// Not inlined, and the result escapes: the compiler may not drop a pair.
static void *volatile sink;

START_TEST(one_thread_counts_every_call_and_byte) {
    static struct memscope_site first = SITE(1), second = SITE(2);
    void *blocks[100];
    uint64_t bytes = 0;
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = __memscope_malloc(i * 3, &first);
        bytes += i * 3;
    }
    for (size_t i = 0; i < 100; i++)
        if (i % 2)
            blocks[i] = __memscope_realloc(blocks[i], 10, &second);
    struct sums a = sum(&first), b = sum(&second);
    ck_assert_uint_eq(a.allocations, 100);
    ck_assert_uint_eq(a.bytes, bytes);
    ck_assert_uint_eq(a.frees, 50);
    ck_assert_uint_eq(b.allocations, 50);
    ck_assert_uint_eq(b.bytes, 500);
    ck_assert_uint_eq(a.peak_bytes, bytes);
    for (size_t i = 0; i < 100; i++)
        __memscope_free(blocks[i]);
    a = sum(&first);
    b = sum(&second);
    ck_assert_uint_eq(a.frees, 100);
    ck_assert_uint_eq(a.bytes, a.freed_bytes);
    ck_assert_uint_eq(b.frees, 50);
    ck_assert_uint_eq(b.freed_bytes, 500);
}
END_TEST

START_TEST(temporary_is_freed_before_the_next_allocation) {
    static struct memscope_site site = SITE(3);
    for (int i = 0; i < 10; i++) {
        sink = __memscope_malloc(8, &site);
        __memscope_free(sink);
    }
    void *kept = __memscope_malloc(8, &site);
    void *other = __memscope_malloc(8, &site);
    __memscope_free(kept);
    __memscope_free(other);
    ck_assert_uint_eq(sum(&site).temporary, 11);
}
END_TEST

START_TEST(peak_and_its_composition_are_exact_on_one_thread) {
    static struct memscope_site low = SITE(4), high = SITE(5);
    if (ms_shared.strategy != MEMSCOPE_STRATEGY_GLOBAL_DIRECT)
        return; // a test before this one started threads
    uint64_t before = ms_shared.header->peak_live_bytes;
    char *base = __memscope_malloc(before + 1000, &low); // above all that was
    uint64_t live = before + 1000;
    struct sums all = sum(NULL);
    live = all.bytes - all.freed_bytes;
    char *top = __memscope_malloc(5000, &high);
    __memscope_free(top);
    __memscope_free(base);
    sink = __memscope_malloc(100, &high);
    ck_assert_uint_eq(ms_shared.header->peak_live_bytes, live + 5000);
    ck_assert_uint_eq(sum(NULL).at_peak_bytes, live + 5000);
    ck_assert_uint_eq(sum(&high).at_peak_bytes, 5000);
    ck_assert_uint_eq(sum(&low).at_peak_bytes, before + 1000);
    __memscope_free(sink);
}
END_TEST

START_TEST(failed_realloc_keeps_the_block) {
    static struct memscope_site site = SITE(6);
    uint64_t failed = ms_shared.header->failed_allocations;
    void *block = __memscope_malloc(64, &site);
    size_t impossible = SIZE_MAX / 4;
    ck_assert_ptr_null(__memscope_reallocarray(block, impossible, 8, &site));
    ck_assert_uint_eq(ms_shared.header->failed_allocations, failed + 1);
    ck_assert_uint_eq(sum(&site).frees, 0);
    __memscope_free(block);
    ck_assert_uint_eq(sum(&site).frees, 1);
    ck_assert_uint_eq(sum(&site).freed_bytes, 64);
}
END_TEST

// Inside a call that was entered; its stack is below the caller's, by which it is told from what
// follows a longjmp.
MS_NOINLINE static void *allocate_enclosed(struct memscope_site *inner, struct memscope_site *own) {
    uint32_t token = __memscope_enter_site(inner);
    void *block = __memscope_malloc(24, own);
    __memscope_leave_site(token);
    return block;
}

// A realloc has moved a huge block and not counted its free yet; another thread has the old
// address.
START_TEST(huge_blocks_at_one_address_are_told_apart) {
    const uintptr_t address = 0x7000000000;
    const uint32_t refs[] = {5, 7, 9};
    uint64_t records[3];
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_ne(records[i] = ms_shadow_put_aside(address, refs[i], refs[i] * 10), 0);
    for (unsigned i = 3; i-- > 0;) {
        uint32_t ref;
        uint64_t bytes;
        ms_shadow_read(records[i], &ref, &bytes);
        ck_assert_uint_eq(ref, refs[i]);
        ck_assert_uint_eq(bytes, refs[i] * 10);
    }
}
END_TEST

START_TEST(entered_site_is_charged_and_the_outer_one_wins) {
    static struct memscope_site outer = SITE(7), inner = SITE(8), own = SITE(9);
    uint32_t first = __memscope_enter_site(&outer);
    void *block = allocate_enclosed(&inner, &own);
    void *next = __memscope_malloc(25, &own);
    __memscope_leave_site(first);
    void *last = __memscope_malloc(26, &own);
    ck_assert_uint_eq(sum(&outer).bytes, 49);
    ck_assert_uint_eq(sum(&own).bytes, 26);
    __memscope_free(block);
    __memscope_free(next);
    __memscope_free(last);
}
END_TEST

static uint32_t word_of(void *block) {
    return *ms_shadow_at(ms_shadow_leaf((uintptr_t)block), (uintptr_t)block);
}

START_TEST(large_blocks_are_found_where_they_begin) {
    static struct memscope_site site = SITE(60);
    enum { FIRST = MS_LARGE_LEAST - 40, COUNT = 80 };
    char *blocks[COUNT];
    uint64_t bytes = 0;
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = __memscope_malloc(FIRST + i, &site);
        bytes += FIRST + i;
        ck_assert_int_eq(word_of(blocks[i]) == 0, FIRST + i >= MS_LARGE_LEAST);
        ck_assert_uint_eq((uint32_t)ms_shadow_peek((uintptr_t)blocks[i]), FIRST + i);
        ck_assert_uint_eq(ms_shadow_peek((uintptr_t)blocks[i] + 32), 0);
        ck_assert_uint_eq(ms_shadow_take(blocks[i] + 32), 0);
    }
    ck_assert_uint_eq(sum(&site).bytes, bytes);
    for (size_t i = 0; i < COUNT; i++) {
        __memscope_free(blocks[i]);
        ck_assert_uint_eq(ms_shadow_peek((uintptr_t)blocks[i]), 0);
        ck_assert_uint_eq(sum(&site).frees, i + 1);
    }
    ck_assert_uint_eq(sum(&site).freed_bytes, bytes);
}
END_TEST

// By a realloc that fails: a usual block, a large one and a huge one.
START_TEST(records_are_put_back) {
    static struct memscope_site site = SITE(61);
    const size_t sizes[] = {40, 3 * MS_LARGE_LEAST, 70u << 20}, impossible = SIZE_MAX / 4;
    for (size_t i = 0; i < 3; i++) {
        uint64_t freed = sum(&site).freed_bytes, failed = ms_shared.header->failed_allocations;
        void *block = __memscope_malloc(sizes[i], &site);
        ck_assert_ptr_null(__memscope_realloc(block, impossible, &site));
        ck_assert_uint_eq(ms_shared.header->failed_allocations, failed + 1);
        ck_assert_uint_eq(sum(&site).freed_bytes, freed);
        block = __memscope_realloc(block, 2 * MS_LARGE_LEAST, &site);
        ck_assert_uint_eq(sum(&site).freed_bytes, freed + sizes[i]);
        block = __memscope_realloc(block, 50, &site); // in its place, as a usual one
        ck_assert_uint_eq(sum(&site).freed_bytes, freed + sizes[i] + 2 * MS_LARGE_LEAST);
        __memscope_free(block);
        ck_assert_uint_eq(sum(&site).freed_bytes, freed + sizes[i] + 2 * MS_LARGE_LEAST + 50);
    }
}
END_TEST

static bool is_seen_by_fast_path(uint64_t key) {
    struct memscope_cell_record *cell;
    uint32_t brief;
    return ms_look_up(&ms_tls, key, &cell, &brief);
}

START_TEST(key_that_is_often_looked_for_comes_into_its_bucket) {
    static struct memscope_site site = SITE(62);
    __memscope_free(__memscope_malloc(1, &site));
    struct memscope_cell_record *cell = NULL;
    uint64_t end = ms_shared.header->arena_end_units;
    for (uint64_t unit = MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES; unit < end && !cell;
         unit += record_at(unit)->units)
        if (record_at(unit)->type == MEMSCOPE_RECORD_CELL)
            cell = (struct memscope_cell_record *)record_at(unit);
    ck_assert_ptr_nonnull(cell);
    const uint64_t plain = 1234567, keys = 3;
    // In one bucket of this table and of one four times as large.
    uint64_t key = 1ull << 62,
             step = 4 * (ms_head_of(&ms_tls)->mask + sizeof(struct ms_slot[MS_BUCKET]));
    ck_assert(ms_slow_begin(&ms_tls));
    for (uint64_t i = 0; i < keys; i++)
        ck_assert(ms_thread_remember_hashed(key + i * step, plain, cell));
    uint64_t slots = ms_tls.thread->slot_count;
    bool seen = true;
    for (uint64_t i = 0; i < keys; i++)
        seen &= is_seen_by_fast_path(key + i * step);
    for (int i = 0; i < 1000; i++)
        for (uint64_t j = 0; j < keys; j++)
            if (ms_thread_find_hashed(key + j * step, plain, cell->class_ref) != cell)
                abort();
    bool seen_now = true;
    for (uint64_t i = 0; i < keys; i++)
        seen_now &= is_seen_by_fast_path(key + i * step);
    ms_slow_end(&ms_tls);
    ck_assert(!seen); // else nothing was tested
    ck_assert(seen_now);
    ck_assert_uint_le(ms_tls.thread->slot_count, 16 * slots); // twice, not each time
}
END_TEST

START_TEST(site_that_was_left_by_longjmp_is_dropped) {
    static struct memscope_site left = SITE(12), next = SITE(13), own = SITE(14);
    (void)__memscope_enter_site(&left);
    __memscope_landed();
    void *block = __memscope_malloc(30, &own);
    ck_assert_uint_eq(sum(&left).allocations, 0);
    ck_assert_uint_eq(sum(&own).bytes, 30);
    (void)__memscope_enter_site(&left);
    uint32_t token = __memscope_enter_site(&next);
    void *other = __memscope_malloc(31, &own);
    __memscope_leave_site(token);
    ck_assert_uint_eq(sum(&left).allocations, 0);
    ck_assert_uint_eq(sum(&next).bytes, 31);
    __memscope_free(block);
    __memscope_free(other);
}
END_TEST

START_TEST(next_site_holds_once) {
    static struct memscope_site once = SITE(10), own = SITE(11);
    __memscope_next_site(&once);
    void *first = __memscope_malloc(1, &own), *second = __memscope_malloc(2, &own);
    ck_assert_uint_eq(sum(&once).bytes, 1);
    ck_assert_uint_eq(sum(&own).bytes, 2);
    __memscope_free(first);
    __memscope_free(second);
}
END_TEST

// ---- threads -----------------------------------------------------------------------------------

enum { THREADS = 4, ROUNDS = 20000, SHELF = 256 };
static void *_Atomic shelf[SHELF];
static struct memscope_site worker_sites[THREADS] = {SITE(20), SITE(21), SITE(22), SITE(23)};
static struct memscope_site spawn_site = SITE(30);
static uint64_t worker_bytes[THREADS];

// Each block goes over the shelf, so most are freed by another thread than allocated them.
static void *work(void *argument) {
    size_t number = (size_t)argument;
    uint64_t random = number + 1;
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t bytes = random >> 40 & 511;
        worker_bytes[number] += bytes;
        void *block = __memscope_malloc(bytes, &worker_sites[number]);
        __memscope_free(__atomic_exchange_n((void **)&shelf[random >> 50 & (SHELF - 1)], block,
                                            __ATOMIC_ACQ_REL));
    }
    return NULL;
}

START_TEST(cross_thread_frees_are_exact) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(__memscope_pthread_create(&threads[i], NULL, work, (void *)i, &spawn_site),
                         0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < SHELF; i++)
        __memscope_free(shelf[i]);
    ck_assert_uint_eq(ms_shared.strategy, MEMSCOPE_STRATEGY_THREAD_LOCAL);
    for (size_t i = 0; i < THREADS; i++) {
        struct sums sums = sum(&worker_sites[i]);
        ck_assert_uint_eq(sums.allocations, ROUNDS);
        ck_assert_uint_eq(sums.bytes, worker_bytes[i]);
        ck_assert_uint_eq(sums.frees, ROUNDS);
        ck_assert_uint_eq(sums.freed_bytes, worker_bytes[i]);
    }
    struct sums all = sum(NULL);
    int64_t live = (int64_t)(all.bytes - all.freed_bytes);
    int64_t published = ms_shared.header->published_live_bytes;
    ck_assert_int_le(llabs(published - live), (THREADS + 1) * 65536);
}
END_TEST

static void *allocate_and_end(void *site) {
    __memscope_free(__memscope_malloc(7, site));
    return NULL;
}

START_TEST(threads_beyond_the_kept_ones_share_records) {
    static struct memscope_site site = SITE(31);
    enum { MANY = 1200 };
    for (int i = 0; i < MANY; i++) {
        pthread_t thread;
        ck_assert_int_eq(
            __memscope_pthread_create(&thread, NULL, allocate_and_end, &site, &spawn_site), 0);
        pthread_join(thread, NULL);
    }
    ck_assert_uint_eq(sum(&site).allocations, MANY);
    ck_assert_uint_eq(sum(&site).frees, MANY);
    uint64_t records = 0;
    for (struct ms_thread *thread = ms_threads; thread; thread = thread->next)
        records++;
    ck_assert_uint_le(records, MS_THREADS_KEPT + 2);
}
END_TEST

// ---- signals -----------------------------------------------------------------------------------

static struct memscope_site handler_site = SITE(40), interrupted_site = SITE(41);
static uint64_t handled;

// The allocator below may not be entered in a handler, so the handler's blocks are a static array's
// and only their counting happens here, often enough inside an interrupted hook.
static void on_signal(int number) {
    static char memory[64] __attribute__((aligned(64)));
    (void)number;
    (void)ms_note_allocation(memory, 11, ms_origin_of(&handler_site));
    (void)ms_note_free_of(memory, ms_shadow_take(memory));
    handled++;
}

START_TEST(signals_in_hooks_lose_nothing) {
    struct sigaction action = {.sa_handler = on_signal};
    struct itimerval often = {.it_interval = {0, 100}, .it_value = {0, 100}};
    enum { EVENTS = 300000 };
    struct sums before = sum(NULL); // before the first signal, which would be in part of it
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < EVENTS; i++)
        __memscope_free(__memscope_malloc(9, &interrupted_site));
    often = (struct itimerval){0};
    setitimer(ITIMER_REAL, &often, NULL);
    ck_assert_uint_gt(handled, 0);
    ck_assert_uint_eq(sum(&interrupted_site).allocations, EVENTS);
    ck_assert_uint_eq(sum(&interrupted_site).frees, EVENTS);
    struct sums all = sum(NULL);
    ck_assert_uint_eq(all.allocations - before.allocations, EVENTS + handled);
    ck_assert_uint_eq(all.frees - before.frees, EVENTS + handled);
    ck_assert_uint_eq(all.bytes - before.bytes, 9 * EVENTS + 11 * handled);
    ck_assert_uint_eq(all.freed_bytes - before.freed_bytes, all.bytes - before.bytes);
}
END_TEST

// ---- fork --------------------------------------------------------------------------------------

START_TEST(fork_child_has_a_profile_of_its_own) {
    static struct memscope_site site = SITE(50);
    void *inherited = __memscope_malloc(77, &site), *large = __memscope_malloc(7777, &site);
    uint32_t parent_base = ms_shared.ref_base;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        void *own = __memscope_malloc(5, &site);
        __memscope_free(inherited);
        __memscope_free(large);
        struct sums sums = sum(&site);
        bool good = ms_shared.ref_base > parent_base && sums.allocations == 1 && sums.bytes == 5 &&
                    sums.frees == 0 && ms_shared.header->inherited_frees == 2;
        __memscope_free(own);
        _exit(good ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(sum(&site).frees, 0);
    __memscope_free(inherited);
    __memscope_free(large);
    ck_assert_uint_eq(sum(&site).frees, 2);
}
END_TEST

START_TEST(estimated_cost_is_99_percent_of_the_time_at_most) {
    ck_assert_uint_eq(ms_overhead_ppm(0, 1000000), 0);
    ck_assert_uint_eq(ms_overhead_ppm(500000, 1000000), 1000000);
    ck_assert_uint_eq(ms_overhead_ppm(1000000, 1000000), ms_overhead_ppm(989999, 1000000));
    ck_assert_uint_eq(ms_overhead_ppm(UINT64_MAX, 1000000), 98990000);
    for (uint64_t cpu_ns = 0; cpu_ns < 1000; cpu_ns++) {
        ck_assert(ms_overhead_most(cpu_ns) < cpu_ns || cpu_ns == 0);
        ck_assert(ms_overhead_ppm(UINT64_MAX, cpu_ns) < 1000 * 1000000ul);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("runtime");
    enum { MOST_SECONDS = 120 }; // each in a process of its own, on a machine that may be busy
    TCase *single = tcase_create("one thread");
    tcase_set_timeout(single, MOST_SECONDS);
    tcase_add_test(single, one_thread_counts_every_call_and_byte);
    tcase_add_test(single, temporary_is_freed_before_the_next_allocation);
    tcase_add_test(single, peak_and_its_composition_are_exact_on_one_thread);
    tcase_add_test(single, failed_realloc_keeps_the_block);
    tcase_add_test(single, entered_site_is_charged_and_the_outer_one_wins);
    tcase_add_test(single, huge_blocks_at_one_address_are_told_apart);
    tcase_add_test(single, large_blocks_are_found_where_they_begin);
    tcase_add_test(single, records_are_put_back);
    tcase_add_test(single, key_that_is_often_looked_for_comes_into_its_bucket);
    tcase_add_test(single, site_that_was_left_by_longjmp_is_dropped);
    tcase_add_test(single, next_site_holds_once);
    tcase_add_test(single, signals_in_hooks_lose_nothing);
    tcase_add_test(single, estimated_cost_is_99_percent_of_the_time_at_most);
    tcase_add_test(single, fork_child_has_a_profile_of_its_own);
    TCase *threads = tcase_create("threads");
    tcase_set_timeout(threads, MOST_SECONDS);
    tcase_add_test(threads, cross_thread_frees_are_exact);
    tcase_add_test(threads, threads_beyond_the_kept_ones_share_records);
    const char *only = getenv("RUNTIME_TEST_ONLY");
    if (only && only[0] == 0)
        only = NULL;
    if (!only || strcmp(only, "one thread") == 0)
        suite_add_tcase(suite, single);
    if (!only || strcmp(only, "threads") == 0)
        suite_add_tcase(suite, threads);
    if (only && strcmp(only, "stress") == 0)
        suite_add_tcase(suite, stress_case());
    if (only && strcmp(only, "high refs") == 0)
        suite_add_tcase(suite, high_refs_case());
    if (only && strcmp(only, "high refs, sampled") == 0)
        suite_add_tcase(suite, high_refs_sampled_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
