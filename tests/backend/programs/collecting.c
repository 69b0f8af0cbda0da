// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// collecting: what an allocation and a free take while another thread collects 1,000 times, in CPU
// time of the thread that makes them. Eight threads exchange blocks, so that frees are of others',
// too. Prints a line for each kind: how many, and percentiles in nanoseconds:
//   nothing  two readings of the clock with nothing between
//   plain    a pair of libc's own functions, past the hooks: its locks, the machine
//   usual    a pair of a stack that the thread has had before
//   first    one of a stack that it has not: the slow path
// Then what the collections said: totals that went backward, statuses that were not OK.

#include <memscope/memscope.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 8, COLLECTIONS = 1000, SLOTS = 64, WARMING = 2048, STACKS = 4096, DEPTH = 12 };
enum kind { NOTHING, PLAIN, USUAL, FIRST, KINDS };

// Nanoseconds, each value up to a sixteenth of itself.
enum { STEPS = 16, BUCKETS = 64 * STEPS };
static struct histogram {
    uint64_t count[BUCKETS], highest;
} histograms[THREADS][KINDS];

void *__libc_malloc(size_t bytes);
void __libc_free(void *block);

static void *slots[SLOTS], *plain_slots[SLOTS];
static int stop;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t bucket_of(uint64_t ns) {
    if (ns < STEPS)
        return ns;
    unsigned top = 63 - (unsigned)__builtin_clzll(ns);
    return (size_t)(top - 3) * STEPS + (ns >> (top - 4) & (STEPS - 1));
}

static uint64_t end_of(size_t bucket) {
    if (bucket < STEPS)
        return bucket;
    unsigned top = (unsigned)(bucket / STEPS) + 3;
    return ((uint64_t)(STEPS + bucket % STEPS + 1) << (top - 4)) - 1;
}

static void add(struct histogram *histogram, uint64_t ns) {
    histogram->count[bucket_of(ns)]++;
    if (ns > histogram->highest)
        histogram->highest = ns;
}

static uint64_t pair(size_t bytes, size_t slot) {
    uint64_t began = now_ns();
    void *block = malloc(bytes);
    block = __atomic_exchange_n(&slots[slot], block, __ATOMIC_ACQ_REL);
    free(block);
    return now_ns() - began;
}

static uint64_t plain_pair(size_t bytes, size_t slot) {
    uint64_t began = now_ns();
    void *block = __libc_malloc(bytes);
    block = __atomic_exchange_n(&plain_slots[slot], block, __ATOMIC_ACQ_REL);
    __libc_free(block);
    return now_ns() - began;
}

// As many stacks as there are paths: `path` says at each of them which way.
__attribute__((noinline)) static uint64_t deep(unsigned path, unsigned depth, size_t slot) {
    uint64_t ns;
    if (depth == 0)
        return pair(32, slot);
    if (path & 1) {
        ns = deep(path >> 1, depth - 1, slot);
        __asm__ volatile("# odd" : "+r"(ns)); // two calls, none of them a jump
    } else {
        ns = deep(path >> 1, depth - 1, slot + 1);
        __asm__ volatile("# even" : "+r"(ns));
    }
    return ns;
}

static void *load(void *argument) {
    struct histogram *own = argument;
    unsigned path = 0;
    for (uint64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
        uint64_t began = now_ns();
        uint64_t nothing = now_ns() - began;
        add(&own[NOTHING], nothing);
        uint64_t plain = plain_pair(16 + i % 500, i % SLOTS);
        uint64_t ns = pair(16 + i % 500, i % SLOTS);
        if (i >= WARMING) { // heaps grow before
            add(&own[PLAIN], plain);
            add(&own[USUAL], ns);
        }
        if (i % 64 == 63 && path < STACKS)
            add(&own[FIRST], deep(path++, DEPTH, i % (SLOTS - DEPTH)));
    }
    return NULL;
}

static void print(const char *name, enum kind kind) {
    static const unsigned per_100000[] = {50000, 99000, 99900};
    static struct histogram sum;
    uint64_t all = 0, seen = 0, percentiles[3] = {0};
    sum = histograms[0][kind];
    for (size_t thread = 1; thread < THREADS; thread++) {
        const struct histogram *one = &histograms[thread][kind];
        sum.highest = one->highest > sum.highest ? one->highest : sum.highest;
        for (size_t i = 0; i < BUCKETS; i++)
            sum.count[i] += one->count[i];
    }
    for (size_t i = 0; i < BUCKETS; i++)
        all += sum.count[i];
    for (size_t i = 0, next = 0; i < BUCKETS && next < 3; i++)
        for (seen += sum.count[i]; next < 3 && seen * 100000 >= all * per_100000[next]; next++)
            percentiles[next] = end_of(i);
    printf("%s %llu p50 %llu p99 %llu p99.9 %llu highest %llu\n", name, (unsigned long long)all,
           (unsigned long long)percentiles[0], (unsigned long long)percentiles[1],
           (unsigned long long)percentiles[2], (unsigned long long)sum.highest);
}

int main(void) {
    pthread_t threads[THREADS];
    memscope_backend backend;
    memscope_session session;
    struct memscope_analysis data;
    struct memscope_statistics before = {0};
    unsigned backward = 0, failed = 0;
    struct memscope_config config = memscope_config_default();
    config.max_overhead_percent = 0; // all stacks, all the time
    if (memscope_backend_initialize(&config, &backend) != MEMSCOPE_OK ||
        memscope_start_tracking(backend, &session) != MEMSCOPE_OK) {
        fprintf(stderr, "%s\n", memscope_error_message());
        return 1;
    }
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, load, histograms[i]) != 0)
            return 1;
    for (unsigned i = 0; i < COLLECTIONS; i++) {
        if (memscope_session_collect(session, &data) != MEMSCOPE_OK) {
            failed++;
            continue;
        }
        const struct memscope_statistics now = data.statistics;
        backward += now.total_allocations < before.total_allocations ||
                    now.total_bytes < before.total_bytes || now.total_frees < before.total_frees ||
                    now.freed_bytes < before.freed_bytes;
        before = now;
        memscope_analysis_free(&data);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    print("nothing", NOTHING);
    print("plain", PLAIN);
    print("usual", USUAL);
    print("first", FIRST);
    printf("collections %d backward %u failed %u\n", COLLECTIONS, backward, failed);
    return 0;
}
