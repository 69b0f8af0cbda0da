// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Eight threads at once, for a few seconds, on everything the threads share: blocks freed by
// others, sites and strings interned at the same moment, module records, cells, threads that end
// and begin.

#include "stress.h"

#include "entry/family.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { THREADS = 8, SITES = 3000, FOREIGN = 200, SHELF = 512, SECONDS = 3, AT_ONCE = 20000 };

static struct memscope_site sites[SITES];
static char names[SITES][24];
static struct memscope_site spawn_site = {
    .id = MEMSCOPE_SITE_UNREGISTERED, .kind = MEMSCOPE_KIND_THREAD_START, .function = "stress"};
static void *_Atomic shelf[SHELF];
static uint64_t made[THREADS][SITES], foreign_made[THREADS];
static unsigned generation;

static void *allocate(size_t self, uint64_t random) {
    size_t bytes = random >> 55;
    // Each generation of threads brings sites that nobody has seen yet.
    size_t site = ((random >> 20) % 300 + generation * 100) % SITES;
    if (random >> 32 & 1) {
        made[self][site]++;
        return __memscope_malloc(bytes, &sites[site]);
    }
    foreign_made[self]++;
    const char *address = (const char *)(uintptr_t)stress_case + (random >> 20) % FOREIGN;
    return ms_do_malloc(bytes, ms_origin_foreign(address));
}

static void *work(void *argument) {
    size_t self = (size_t)argument;
    uint64_t random = self + 1 + generation;
    for (int i = 0; i < AT_ONCE; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        void **place = (void **)&shelf[random >> 40 & (SHELF - 1)];
        __memscope_free(__atomic_exchange_n(place, allocate(self, random), __ATOMIC_ACQ_REL));
    }
    return NULL;
}

struct totals {
    uint64_t allocations, frees, foreign_allocations;
};

// Sums of all cells, and the allocations of each site: two threads that meet a new site at the same
// moment may each have written a record of it.
static struct totals add_up(uint64_t by_site[SITES]) {
    struct totals totals = {0};
    for (uint64_t unit = MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES;
         unit < ms_shared.header->arena_end_units;) {
        const struct memscope_cell_record *cell = ms_ref(ms_shared.ref_base + (uint32_t)unit);
        ck_assert_uint_eq(cell->record.magic, MEMSCOPE_RECORD_MAGIC);
        ck_assert_uint_ne(cell->record.type, MEMSCOPE_RECORD_PENDING);
        unit += cell->record.units;
        if (cell->record.type != MEMSCOPE_RECORD_CELL)
            continue;
        const struct memscope_site_record *site = ms_ref(cell->site_ref);
        totals.allocations += memscope_cell_allocations(cell);
        totals.frees += cell->frees + cell->remote_frees;
        if (site->record.flags & MEMSCOPE_SITE_FLAG_FOREIGN)
            totals.foreign_allocations += memscope_cell_allocations(cell);
        else if (site->line > 0)
            by_site[site->line - 1] += memscope_cell_allocations(cell);
    }
    return totals;
}

START_TEST(eight_threads_share_all_tables) {
    for (size_t i = 0; i < SITES; i++) {
        snprintf(names[i], sizeof names[i], "function_%zu", i / 2);
        sites[i] = (struct memscope_site){.id = MEMSCOPE_SITE_UNREGISTERED,
                                          .kind = MEMSCOPE_KIND_MALLOC,
                                          .line = (uint32_t)i + 1,
                                          .function = names[i],
                                          .file = __FILE__};
    }
    time_t end = time(NULL) + SECONDS;
    do {
        pthread_t threads[THREADS];
        for (size_t i = 0; i < THREADS; i++)
            ck_assert_int_eq(
                __memscope_pthread_create(&threads[i], NULL, work, (void *)i, &spawn_site), 0);
        for (size_t i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        generation++;
    } while (time(NULL) < end);
    for (size_t i = 0; i < SHELF; i++)
        __memscope_free(shelf[i]);
    static uint64_t by_site[SITES];
    struct totals totals = add_up(by_site);
    uint64_t foreign = 0;
    for (size_t i = 0; i < THREADS; i++)
        foreign += foreign_made[i];
    ck_assert_uint_eq(totals.foreign_allocations, foreign);
    ck_assert_uint_eq(totals.allocations, (uint64_t)generation * THREADS * AT_ONCE);
    ck_assert_uint_eq(totals.frees, totals.allocations);
    for (size_t site = 0; site < SITES; site++) {
        uint64_t want = 0;
        for (size_t i = 0; i < THREADS; i++)
            want += made[i][site];
        ck_assert_uint_eq(by_site[site], want);
    }
}
END_TEST

TCase *stress_case(void) {
    TCase *stress = tcase_create("stress");
    tcase_set_timeout(stress, 120);
    tcase_add_test(stress, eight_threads_share_all_tables);
    return stress;
}
