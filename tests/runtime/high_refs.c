// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cells whose refs are too large for brief records (collect/shadow.h): a profile is filled up to
// there. Each case runs alone, as others of the process would have such cells too.

#include "high_refs.h"

#include <memscope/abi.h>

#include "base/shared.h"
#include "collect/shadow.h"
#include "entry/count.h"
#include "store/arena.h"

#include "sums.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct memscope_site low = SITE(1), high = SITE(2), in_thread = SITE(3);

// Everything that comes from now on has a ref that no brief record holds.
static void fill_profile(void) {
    uint32_t next, ref;
    ck_assert_ptr_nonnull(ms_arena_take(1, true, &next));
    ck_assert_uint_lt(next, MS_BRIEF_REFS);
    ck_assert_ptr_nonnull(ms_arena_take(MS_BRIEF_REFS - next - 1, true, &ref));
    ck_assert_uint_eq(ref, next + 1);
}

static uint32_t word_of(void *block) {
    return *ms_shadow_at(ms_shadow_leaf((uintptr_t)block), (uintptr_t)block);
}

enum { BLOCKS = 1000, ROUNDS = 5 };

// Every size of a brief record, large blocks, and one that stands aside.
static size_t bytes_of(size_t i) {
    return i == BLOCKS - 1 ? 70u << 20 : i * 3;
}

static void *allocate(struct memscope_site *site, size_t bytes) {
    return __memscope_malloc(bytes, site);
}

static uint64_t allocate_all(void *blocks[BLOCKS], struct memscope_site *site) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = allocate(site, bytes_of(i));
        bytes += bytes_of(i);
        ck_assert_uint_eq(ms_shadow_peek((uintptr_t)blocks[i]) != 0, 1);
    }
    return bytes;
}

static void free_all(void *blocks[BLOCKS]) {
    for (size_t i = 0; i < BLOCKS; i++) {
        __memscope_free(blocks[i]);
        ck_assert_uint_eq(ms_shadow_peek((uintptr_t)blocks[i]), 0);
    }
}

static void expect_sums(const struct memscope_site *site, uint64_t rounds, uint64_t bytes) {
    struct sums sums = sum(site);
    ck_assert_uint_eq(sums.allocations, rounds * BLOCKS);
    ck_assert_uint_eq(sums.frees, rounds * BLOCKS);
    ck_assert_uint_eq(sums.bytes, rounds * bytes);
    ck_assert_uint_eq(sums.freed_bytes, rounds * bytes);
}

static void *work_in_thread(void *others) {
    static void *blocks[BLOCKS];
    (void)allocate_all(blocks, &in_thread);
    free_all(others); // another thread's
    free_all(blocks);
    return NULL;
}

START_TEST(blocks_of_cells_with_high_refs_are_counted) {
    static void *blocks[BLOCKS], *first[BLOCKS];
    uint64_t bytes = allocate_all(first, &low);
    fill_profile();
    for (int i = 0; i < ROUNDS; i++) {
        (void)allocate_all(blocks, &high);
        ck_assert_uint_eq(word_of(blocks[1]), 1); // not a record, but where one is
        free_all(blocks);
    }
    expect_sums(&high, ROUNDS, bytes);
    free_all(first);
    expect_sums(&low, 1, bytes);

    void *block = __memscope_malloc(40, &high);
    ck_assert_ptr_null(__memscope_realloc(block, SIZE_MAX / 4, &high));
    ck_assert_uint_eq(sum(&high).frees, ROUNDS * BLOCKS);
    block = __memscope_realloc(block, 50, &high);
    __memscope_free(block);
    ck_assert_uint_eq(sum(&high).freed_bytes, ROUNDS * bytes + 90);
    ck_assert_uint_eq(sum(&high).temporary, 2 + ROUNDS); // the last block of each round, too
}
END_TEST

START_TEST(other_threads_free_them) {
    static void *blocks[BLOCKS];
    uint64_t frees = sum(NULL).frees, bytes = allocate_all(blocks, &high);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, work_in_thread, blocks), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(sum(NULL).frees - frees, 2 * BLOCKS);
    expect_sums(&in_thread, 1, bytes);
    (void)allocate_all(blocks, &high); // under ThreadLocal now
    free_all(blocks);
    ck_assert_uint_eq(sum(NULL).frees - frees, 3 * BLOCKS);
}
END_TEST

START_TEST(fork_child_begins_beyond_brief_refs) {
    static struct memscope_site own = SITE(4);
    static void *blocks[BLOCKS], *inherited[BLOCKS];
    uint64_t bytes = allocate_all(inherited, &high);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)allocate_all(blocks, &own);
        free_all(blocks);
        free_all(inherited);
        expect_sums(&own, 1, bytes);
        bool good = ms_shared.ref_base >= MS_BRIEF_REFS && sum(NULL).allocations == BLOCKS &&
                    ms_shared.header->inherited_frees == BLOCKS;
        _exit(good ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    free_all(inherited);
}
END_TEST

// Which blocks are sampled is chance; in total all are counted, and none is left.
START_TEST(unsampled_blocks_are_counted) {
    static void *blocks[BLOCKS];
    fill_profile();
    struct sums before = sum(NULL);
    uint64_t bytes = 0;
    for (int i = 0; i < ROUNDS; i++) {
        bytes += allocate_all(blocks, &high);
        free_all(blocks);
    }
    struct sums after = sum(NULL);
    ck_assert_uint_eq(after.allocations - before.allocations, ROUNDS * BLOCKS);
    ck_assert_uint_eq(after.frees - before.frees, ROUNDS * BLOCKS);
    ck_assert_uint_eq(after.bytes - before.bytes, bytes);
    ck_assert_uint_eq(after.freed_bytes - before.freed_bytes, bytes);
    ck_assert_uint_lt(sum(&high).allocations, ROUNDS * BLOCKS);
}
END_TEST

TCase *high_refs_case(void) {
    TCase *tcase = tcase_create("high refs");
    tcase_add_test(tcase, blocks_of_cells_with_high_refs_are_counted);
    tcase_add_test(tcase, other_threads_free_them);
    tcase_add_test(tcase, fork_child_begins_beyond_brief_refs);
    return tcase;
}

TCase *high_refs_sampled_case(void) {
    TCase *tcase = tcase_create("high refs, sampled");
    tcase_add_test(tcase, unsampled_blocks_are_counted);
    return tcase;
}
