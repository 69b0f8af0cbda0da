// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions in the life of a process: names and clocks, forks, signals, threads and tasks that end,
// thousands at once, writes that end early.

#include "truths.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call) == MEMSCOPE_OK, "%s", memscope_error_message())

// ---- names and clocks --------------------------------------------------------------------------

enum { CHILDREN = 40, NAMES = 3, ALL_NAMES = (CHILDREN + 1) * NAMES };

static void take_names(char names[NAMES][MEMSCOPE_SESSION_ID_BYTES]) {
    memscope_backend backend;
    memscope_session session;
    memset(names, 0, (size_t)NAMES * MEMSCOPE_SESSION_ID_BYTES);
    if (memscope_backend_initialize(NULL, &backend) != MEMSCOPE_OK)
        return;
    for (int i = 0; i < NAMES; i++)
        if (memscope_start_tracking(backend, &session) == MEMSCOPE_OK)
            (void)memscope_session_id(session, names[i]);
}

static int compare_names(const void *left, const void *right) {
    return strcmp((const char *)left, (const char *)right);
}

START_TEST(no_two_sessions_of_any_processes_share_a_name) {
    static char names[ALL_NAMES][MEMSCOPE_SESSION_ID_BYTES];
    int ends[2];
    take_names(names);
    ck_assert_int_eq(pipe(ends), 0);
    for (int child = 1; child <= CHILDREN; child++) {
        pid_t pid = fork();
        if (pid == 0) {
            take_names(names);
            _exit(write(ends[1], names, NAMES * sizeof names[0]) != NAMES * sizeof names[0]);
        }
        int status = 1;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(read(ends[0], names[child * NAMES], NAMES * sizeof names[0]),
                         (ssize_t)(NAMES * sizeof names[0]));
    }
    qsort(names, ALL_NAMES, sizeof names[0], compare_names);
    for (int i = 0; i < ALL_NAMES; i++) {
        ck_assert_uint_eq(strspn(names[i], "0123456789abcdef"), 32); // 128 bits of chance
        ck_assert(i == 0 || strcmp(names[i - 1], names[i]) != 0);
    }
}
END_TEST

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

START_TEST(the_time_is_that_of_the_monotonic_clock) {
    memscope_backend backend = truths_backend();
    memscope_session session;
    struct memscope_analysis data;
    uint64_t elapsed, last = 0;
    uint64_t before = now_ns();
    OK(memscope_start_tracking(backend, &session));
    uint64_t after = now_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t earliest = now_ns() - after;
        OK(memscope_session_elapsed_ns(session, &elapsed));
        ck_assert_uint_ge(elapsed, earliest);
        ck_assert_uint_ge(elapsed, last);
        last = elapsed;
        ck_assert_uint_le(elapsed, now_ns() - before);
    }
    uint64_t earliest = now_ns() - after;
    OK(memscope_session_end(session, &data));
    ck_assert_double_ge(data.statistics.session_duration_ms, (double)earliest / 1e6);
    ck_assert_double_le(data.statistics.session_duration_ms, (double)(now_ns() - before) / 1e6);
    memscope_analysis_free(&data);
}
END_TEST

// ---- many --------------------------------------------------------------------------------------

START_TEST(ten_thousand_sessions_at_once_are_exact) {
    enum { MANY = 10000 };
    static memscope_session sessions[MANY];
    memscope_backend backend = truths_backend();
    struct memscope_analysis data;
    memscope_status worst = MEMSCOPE_OK;
    for (int i = 0; i < MANY && worst == MEMSCOPE_OK; i++) {
        worst = memscope_start_tracking(backend, &sessions[i]);
        truths_free(truths_allocate(16));
    }
    for (int i = 0; i < MANY && worst == MEMSCOPE_OK; i++)
        worst = memscope_session_end(sessions[i], NULL);
    OK(worst); // assertions allocate: not before
    OK(memscope_backend_collect(backend, &data));
    struct truths_read read = truths_read(&data);
    memscope_analysis_free(&data);
    ck_assert_uint_eq(read.session_count, MANY);
    ck_assert_uint_eq(read.open_count, 0);
    // Each has those from its start on.
    ck_assert_uint_eq(read.session_calls, (uint64_t)MANY * (MANY + 1) / 2);
}
END_TEST

// ---- forks -------------------------------------------------------------------------------------

static int stop;
static memscope_backend shared_backend;
static memscope_session shared_session;

static void *use_at_random(void *nothing) {
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        struct memscope_analysis data;
        memscope_session session;
        if (memscope_start_tracking(shared_backend, &session) != MEMSCOPE_OK ||
            memscope_session_collect(shared_session, &data) != MEMSCOPE_OK)
            abort();
        memscope_analysis_free(&data);
        if (memscope_session_end(session, NULL) != MEMSCOPE_OK)
            abort();
        truths_free(truths_allocate(100));
    }
    return nothing;
}

static int use_in_child(void) {
    struct memscope_analysis data;
    struct memscope_environment environment;
    memscope_backend own;
    memscope_session mine;
    (void)signal(SIGALRM, SIG_DFL); // Check's own would kill the whole group
    (void)alarm(60);                // where it waits for a thread that it does not have
    if (memscope_session_collect(shared_session, &data) != MEMSCOPE_FORKED ||
        memscope_detect_environment(&environment) != MEMSCOPE_OK ||
        memscope_backend_initialize(NULL, &own) != MEMSCOPE_OK ||
        memscope_start_tracking(own, &mine) != MEMSCOPE_OK)
        return 1;
    truths_free(truths_allocate(20));
    if (memscope_session_end(mine, &data) != MEMSCOPE_OK)
        return 2;
    return data.statistics.total_allocations == 1 && data.statistics.total_bytes == 20 ? 0 : 3;
}

START_TEST(a_fork_amid_other_threads_calls_leaves_the_child_free) {
    pthread_t threads[4];
    shared_backend = truths_backend();
    OK(memscope_start_tracking(shared_backend, &shared_session));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_at_random, NULL), 0);
    for (int i = 0; i < 100; i++) {
        int status = 1;
        pid_t pid = fork();
        if (pid == 0)
            _exit(use_in_child());
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(status == 0, "fork %d: %x", i, (unsigned)status);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

// ---- signals -----------------------------------------------------------------------------------

static int seen[64], backward, timer_failed, is_over;

// Once, so that the interrupted loop goes on between two signals, however slow the machine is.
static void ask_for_signal(void) {
    const struct itimerval soon = {{0, 0}, {0, 500}};
    timer_failed |= setitimer(ITIMER_REAL, &soon, NULL);
}

static void use_in_handler(int signal_number) {
    static uint64_t last;
    struct memscope_analysis data;
    memscope_session session;
    int saved_errno = errno;
    (void)signal_number;
    memscope_status started = memscope_start_tracking(shared_backend, &session);
    seen[started]++;
    if (started == MEMSCOPE_OK)
        seen[memscope_session_end(session, NULL)]++;
    memscope_status collected = memscope_session_collect(shared_session, &data);
    seen[collected]++;
    if (collected == MEMSCOPE_OK) {
        backward += data.statistics.total_allocations < last;
        last = data.statistics.total_allocations;
        memscope_analysis_free(&data);
    }
    if (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
        ask_for_signal();
    errno = saved_errno;
}

START_TEST(a_signal_handler_is_served_or_told_busy) {
    enum { PAIRS = 3000000 };
    const struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction action;
    struct memscope_analysis data;
    int made = 0;
    memset(&action, 0, sizeof action);
    action.sa_handler = use_in_handler;
    action.sa_flags = SA_RESTART;
    shared_backend = truths_backend();
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    uint64_t until = now_ns() + 3000000000u;
    // From here on nothing but what is counted: assertions allocate.
    memscope_status started = memscope_start_tracking(shared_backend, &shared_session);
    ask_for_signal();
    for (; made < PAIRS && (made % 1024 != 0 || now_ns() < until); made++)
        truths_free(truths_allocate(16 + (size_t)made % 64));
    __atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
    timer_failed |= setitimer(ITIMER_REAL, &never, NULL);
    memscope_status status = memscope_session_end(shared_session, &data);
    OK(started);
    OK(status);
    ck_assert_int_eq(timer_failed, 0);
    int others = 0;
    for (int i = 0; i < 64; i++)
        others += i != MEMSCOPE_OK && i != MEMSCOPE_BUSY ? seen[i] : 0;
    ck_assert_int_eq(others, 0);
    ck_assert_int_eq(backward, 0);
    ck_assert_int_gt(seen[MEMSCOPE_OK], 100);
    ck_assert_uint_eq(data.statistics.total_allocations, (uint64_t)made);
    ck_assert_uint_eq(data.statistics.total_frees, (uint64_t)made);
    memscope_analysis_free(&data);
}
END_TEST

// ---- threads and tasks that end ----------------------------------------------------------------

enum { WORKERS = 8, BLOCKS = 20, BYTES = 48, COLLECTIONS = 1000 };
static uint64_t begun, done, threads_begun;

static void *live_shortly(void *blocks) {
    for (int i = 0; i < BLOCKS; i++)
        ((void **)blocks)[i] = truths_allocate(BYTES);
    return NULL;
}

static void *begin_and_end_others(void *nothing) {
    void *blocks[BLOCKS];
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        pthread_t thread;
        __atomic_fetch_add(&begun, 2 * BLOCKS, __ATOMIC_RELEASE);
        __atomic_fetch_add(&threads_begun, 1, __ATOMIC_RELEASE);
        if (pthread_create(&thread, NULL, live_shortly, blocks) != 0 ||
            pthread_join(thread, NULL) != 0)
            abort();
        for (int i = 0; i < BLOCKS; i++)
            truths_free(blocks[i]);
        memscope_task task = memscope_task_begin("short");
        (void)live_shortly(blocks);
        if (memscope_task_end(task) != MEMSCOPE_OK)
            abort();
        for (int i = 0; i < BLOCKS; i++)
            truths_free(blocks[i]);
        __atomic_fetch_add(&done, 2 * BLOCKS, __ATOMIC_RELEASE);
    }
    return nothing;
}

// Of pthread_create's own: what the loader keeps for each thread.
static bool holds_all(const struct memscope_statistics *now, uint64_t least, uint64_t most,
                      uint64_t threads_most) {
    return now->total_allocations >= least && now->total_bytes >= least * BYTES &&
           now->total_frees >= least && now->total_allocations <= most + 4 * threads_most;
}

START_TEST(collections_hold_what_ended_threads_and_tasks_did) {
    pthread_t threads[WORKERS];
    struct memscope_analysis data;
    memscope_session session;
    memscope_status status = MEMSCOPE_OK;
    shared_backend = truths_backend();
    OK(memscope_start_tracking(shared_backend, &session));
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, begin_and_end_others, NULL), 0);
    int bad = 0, collected = 0;
    uint64_t calls = 0, bytes = 0, frees = 0;
    for (; collected < COLLECTIONS && status == MEMSCOPE_OK; collected++) {
        uint64_t least = __atomic_load_n(&done, __ATOMIC_ACQUIRE);
        status = memscope_session_collect(session, &data);
        uint64_t most = __atomic_load_n(&begun, __ATOMIC_ACQUIRE);
        uint64_t threads_most = __atomic_load_n(&threads_begun, __ATOMIC_ACQUIRE);
        const struct memscope_statistics *now = &data.statistics;
        if (status != MEMSCOPE_OK)
            break;
        bad += !holds_all(now, least, most, threads_most + WORKERS) ||
               now->total_allocations < calls || now->total_bytes < bytes ||
               now->total_frees < frees;
        calls = now->total_allocations;
        bytes = now->total_bytes;
        frees = now->total_frees;
        memscope_analysis_free(&data);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < WORKERS; i++)
        (void)pthread_join(threads[i], NULL);
    OK(status);
    ck_assert_int_eq(bad, 0);
    ck_assert_int_eq(collected, COLLECTIONS);
    ck_assert_uint_gt(threads_begun, 500);
    OK(memscope_session_end(session, &data));
    ck_assert(holds_all(&data.statistics, done, begun, threads_begun + WORKERS));
    ck_assert_uint_ge(truths_read(&data).allocations, done);
    ck_assert_uint_eq(data.environment.thread_count, 1);
    ck_assert_uint_gt(data.environment.thread_highest, WORKERS);
    memscope_analysis_free(&data);
}
END_TEST

static pthread_key_t key;
static struct memscope_statistics of_destructor;

static void use_in_destructor(void *block) {
    struct memscope_analysis data;
    memscope_session session;
    if (memscope_start_tracking(shared_backend, &session) != MEMSCOPE_OK)
        return;
    truths_free(block);
    truths_free(truths_allocate(33));
    if (memscope_session_end(session, &data) != MEMSCOPE_OK)
        return;
    of_destructor = data.statistics;
    memscope_analysis_free(&data);
}

static void *set_key(void *nothing) {
    (void)pthread_setspecific(key, truths_allocate(44));
    return nothing;
}

START_TEST(a_session_in_a_threads_destructor_is_exact) {
    pthread_t thread;
    shared_backend = truths_backend();
    ck_assert_int_eq(pthread_key_create(&key, use_in_destructor), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, set_key, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(of_destructor.total_allocations, 1);
    ck_assert_uint_eq(of_destructor.total_bytes, 33);
    ck_assert_uint_eq(of_destructor.total_frees, 2);
    ck_assert_uint_eq(of_destructor.earlier_freed_bytes, 44);
}
END_TEST

// ---- writes ------------------------------------------------------------------------------------

struct taken {
    int fd;
    size_t bytes;
    char *copy;
};

// A bit at a time, so that each write of the other side is short.
static void *take_slowly(void *argument) {
    struct taken *taken = (struct taken *)argument;
    ssize_t got;
    while ((got = read(taken->fd, taken->copy + taken->bytes, 1000)) > 0)
        taken->bytes += (size_t)got;
    return NULL;
}

START_TEST(a_copy_goes_through_a_pipe_whole) {
    memscope_backend backend = truths_backend();
    struct memscope_analysis data;
    pthread_t thread;
    int ends[2];
    OK(memscope_backend_collect(backend, &data));
    ck_assert_int_eq(pipe(ends), 0);
    (void)fcntl(ends[1], F_SETPIPE_SZ, 4096);
    struct taken taken = {ends[0], 0, (char *)malloc(data.raw_size + 1000)};
    ck_assert_ptr_nonnull(taken.copy);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_slowly, &taken), 0);
    OK(memscope_analysis_write(&data, ends[1]));
    close(ends[1]);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(taken.bytes, data.raw_size);
    ck_assert_int_eq(memcmp(taken.copy, data.raw_data, data.raw_size), 0);
    free(taken.copy);
    memscope_analysis_free(&data);
}
END_TEST

START_TEST(a_write_that_ends_early_says_after_how_much) {
    memscope_backend backend = truths_backend();
    struct memscope_analysis data;
    struct rlimit limit = {4096, RLIM_INFINITY};
    int ends[2];
    char path[] = "short.XXXXXX";
    OK(memscope_backend_collect(backend, &data));
    ck_assert_uint_gt(data.raw_size, 4096);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(memscope_analysis_write(&data, ends[1]), MEMSCOPE_DATA_COLLECTION_FAILED);
    ck_assert_str_eq(memscope_error_message(), "4096 bytes were written and no more: it would "
                                               "have to wait, and does not (O_NONBLOCK)");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    (void)unlink(path);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    memscope_status status = memscope_analysis_write(&data, file); // SIGXFSZ would end us
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(status, MEMSCOPE_DATA_COLLECTION_FAILED);
    ck_assert_str_eq(
        memscope_error_message(),
        "4096 bytes were written and no more: the file size limit (ulimit -f) is reached");
    ck_assert_int_eq(memscope_analysis_write(&data, -1), MEMSCOPE_DATA_COLLECTION_FAILED);
    ck_assert_str_eq(memscope_error_message(),
                     "0 bytes were written and no more: the descriptor is not open for writing");
    memscope_analysis_free(&data);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("life");
    TRUTHS_ADD(suite, no_two_sessions_of_any_processes_share_a_name);
    TRUTHS_ADD(suite, the_time_is_that_of_the_monotonic_clock);
    TRUTHS_ADD(suite, ten_thousand_sessions_at_once_are_exact);
    TRUTHS_ADD(suite, a_fork_amid_other_threads_calls_leaves_the_child_free);
    TRUTHS_ADD(suite, a_signal_handler_is_served_or_told_busy);
    TRUTHS_ADD(suite, collections_hold_what_ended_threads_and_tasks_did);
    TRUTHS_ADD(suite, a_session_in_a_threads_destructor_is_exact);
    TRUTHS_ADD(suite, a_copy_goes_through_a_pipe_whole);
    TRUTHS_ADD(suite, a_write_that_ends_early_says_after_how_much);
    return truths_run(suite);
}
