// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions of several threads at once, and collections while others allocate.

#include "truths.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, WORKERS = 8, BLOCKS = 200, COLLECTIONS = 1000 };

// ---- overlapping sessions of four threads ------------------------------------------------------

static memscope_backend backend;
static pthread_barrier_t steps;

static void step(void) {
    (void)pthread_barrier_wait(&steps);
}

struct party {
    pthread_t thread;
    size_t number;
    memscope_session session;
    memscope_status status;
    struct memscope_analysis data;
    void *blocks[BLOCKS];
};

// Thread n starts its session in step n and ends it in step THREADS + n; in each step but those of
// a start or an end every thread allocates. So session n spans the work of THREADS steps.
static void *run_party(void *argument) {
    struct party *self = (struct party *)argument;
    for (size_t now = 0; now < 2 * THREADS; now++) {
        step();
        if (now == self->number)
            self->status = memscope_start_tracking(backend, &self->session);
        if (now == THREADS + self->number && self->status == MEMSCOPE_OK)
            self->status = memscope_session_end(self->session, &self->data);
        step();
        truths_allocate_many(self->blocks, BLOCKS, 100 * (now + 1));
        if (self->number % 2)
            truths_free_many(self->blocks, BLOCKS);
        step();
    }
    return NULL;
}

START_TEST(overlapping_sessions_of_four_threads_are_exact) {
    static struct party parties[THREADS];
    backend = truths_backend();
    int failed = pthread_barrier_init(&steps, NULL, THREADS); // assertions allocate
    for (size_t i = 0; i < THREADS; i++) {
        parties[i].number = i;
        failed |= pthread_create(&parties[i].thread, NULL, run_party, &parties[i]);
    }
    for (size_t i = 0; i < THREADS; i++)
        failed |= pthread_join(parties[i].thread, NULL);
    ck_assert_int_eq(failed, 0);
    for (size_t i = 0; i < THREADS; i++) {
        const struct memscope_statistics *statistics = &parties[i].data.statistics;
        uint64_t bytes = 0, freed = 0;
        for (size_t now = i; now < THREADS + i; now++) {
            bytes += THREADS * truths_bytes(BLOCKS, 100 * (now + 1));
            freed += THREADS / 2 * truths_bytes(BLOCKS, 100 * (now + 1));
        }
        ck_assert_int_eq(parties[i].status, MEMSCOPE_OK);
        ck_assert_uint_eq(statistics->total_allocations, THREADS * THREADS * BLOCKS);
        ck_assert_uint_eq(statistics->total_bytes, bytes);
        ck_assert_uint_eq(statistics->total_frees, THREADS * THREADS / 2 * BLOCKS);
        ck_assert_uint_eq(statistics->freed_bytes, freed);
        // Nothing but these allocates, and what even threads keep only adds up: the peak is told.
        ck_assert_uint_eq(statistics->peak_error_bytes, (THREADS + 1) * 65536);
        uint64_t grown = bytes - freed, least = statistics->live_bytes;
        ck_assert_uint_ge(statistics->peak_memory_bytes, least);
        ck_assert_uint_ge(least, grown);
        uint64_t most = least + THREADS / 2 * truths_bytes(BLOCKS, 100 * (THREADS + i));
        ck_assert_uint_le(statistics->peak_memory_bytes, most + statistics->peak_error_bytes);
        memscope_analysis_free(&parties[i].data);
    }
}
END_TEST

// ---- under load --------------------------------------------------------------------------------

static int stop;
enum { BYTES = 48 };

static void *load(void *nothing) {
    void *blocks[16];
    for (size_t turn = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); turn++) {
        size_t at = turn % 16;
        if (turn >= 16)
            truths_free(blocks[at]);
        blocks[at] = truths_allocate(BYTES);
    }
    return nothing;
}

// What a thread is just doing may be half told: the call, and not its bytes yet.
static bool in_step(const struct memscope_statistics *now) {
    uint64_t calls = now->total_allocations, bytes = now->total_bytes;
    // The threads ran before the session did: some of the frees are of blocks from before it.
    uint64_t earlier = now->earlier_frees + now->earlier_frees_error;
    uint64_t earlier_bytes = now->earlier_freed_bytes + now->earlier_freed_bytes_error;
    return now->total_frees - earlier <= calls && now->freed_bytes - earlier_bytes <= bytes &&
           bytes <= (calls + WORKERS) * BYTES && bytes + WORKERS * BYTES >= calls * BYTES;
}

START_TEST(a_thousand_collections_under_load_are_consistent) {
    pthread_t threads[WORKERS];
    struct memscope_statistics before;
    struct memscope_analysis data;
    memscope_session session;
    size_t read_count = 0;
    memset(&before, 0, sizeof before);
    backend = truths_backend();
    for (size_t i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, load, NULL), 0);
    memscope_status status = memscope_start_tracking(backend, &session);
    for (size_t i = 0; i < COLLECTIONS && status == MEMSCOPE_OK; i++) {
        status = memscope_session_collect(session, &data);
        if (status != MEMSCOPE_OK)
            break;
        const struct memscope_statistics now = data.statistics;
        bool backward = now.total_allocations < before.total_allocations ||
                        now.total_bytes < before.total_bytes ||
                        now.total_frees < before.total_frees ||
                        now.freed_bytes < before.freed_bytes;
        before = now;
        // Check and the reader allocate: their bytes would be in the next interval.
        if (backward || (read_count == 0 && !in_step(&now)))
            ck_abort_msg("collection %zu: %llu calls, %llu bytes, %llu frees, %llu freed", i,
                         (unsigned long long)now.total_allocations,
                         (unsigned long long)now.total_bytes, (unsigned long long)now.total_frees,
                         (unsigned long long)now.freed_bytes);
        if (i >= COLLECTIONS - 50) {
            struct truths_read read = truths_read(&data);
            ck_assert_uint_eq(read.cells_out_of_step, 0);
            ck_assert_uint_ge(read.allocations, now.total_allocations);
            read_count++;
        }
        memscope_analysis_free(&data);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < WORKERS; i++)
        (void)pthread_join(threads[i], NULL);
    ck_assert_int_eq(status, MEMSCOPE_OK);
    ck_assert_uint_gt(before.total_allocations, COLLECTIONS);
    // Those that have ended are in it.
    ck_assert_int_eq(memscope_session_end(session, &data), MEMSCOPE_OK);
    ck_assert_uint_ge(data.statistics.total_allocations, before.total_allocations);
    memscope_analysis_free(&data);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("threads");
    TRUTHS_ADD(suite, overlapping_sessions_of_four_threads_are_exact);
    TRUTHS_ADD(suite, a_thousand_collections_under_load_are_consistent);
    return truths_run(suite);
}
