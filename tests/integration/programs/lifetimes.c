// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lifetimes.c MODE: threads that begin and end in every way, and code that runs before main and
// after it. Every thread does the same work, so that the truth is a product.

#include "truth.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static pthread_key_t key;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *argument)
{
    void *p = TRUTH(malloc(100), 100);
    void *q = TRUTH(malloc(50), 50);
    free(TRUTH_FREE(p));
    (void)q; // left alive
    return argument;
}

static void begin_and_end(int count, int together, size_t stack_bytes)
{
    static pthread_t threads[10000];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    for (int first = 0; first < count; first += together) {
        for (int i = first; i < first + together; ++i)
            if (pthread_create(&threads[i], &attributes, work, NULL) != 0)
                exit(91);
        for (int i = first; i < first + together; ++i)
            pthread_join(threads[i], NULL);
    }
    pthread_attr_destroy(&attributes);
}

static int mode_thousand(void)
{
    begin_and_end(1000, 10, 65536);
    return 0;
}

static int mode_five_thousand(void)
{
    begin_and_end(5000, 10, 65536);
    return 0;
}

static int mode_ten_thousand(void)
{
    begin_and_end(10000, 20, 65536);
    return 0;
}

static int mode_many_at_once(void)
{
    begin_and_end(400, 400, 65536);
    return 0;
}

static void *wait_to_be_cancelled(void *argument)
{
    void *p = TRUTH(malloc(70), 70);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    for (;;) {
        free(TRUTH_FREE(p));
        p = TRUTH(malloc(71), 71);
        int old;
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
        pthread_testcancel();
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    }
    return argument;
}

static void *cancellable(void *argument)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    return wait_to_be_cancelled(argument);
}

static int mode_cancel(void)
{
    pthread_t threads[20];
    for (int i = 0; i < 20; ++i)
        pthread_create(&threads[i], NULL, cancellable, NULL);
    usleep(5000);
    for (int i = 0; i < 20; ++i)
        pthread_cancel(threads[i]);
    for (int i = 0; i < 20; ++i) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        if (result != PTHREAD_CANCELED)
            return 92;
    }
    return 0;
}

// A key's destructor that allocates, frees, and sets the key again: it runs in every round.
static void destroy(void *value)
{
    static _Atomic int rounds;
    free(TRUTH_FREE(value));
    void *again = TRUTH(malloc(30), 30);
    if (++rounds % 3 != 0)
        pthread_setspecific(key, again);
    else
        free(TRUTH_FREE(again));
}

static void *with_key(void *argument)
{
    pthread_setspecific(key, TRUTH(malloc(20), 20));
    return work(argument);
}

static int mode_key_destructor(void)
{
    pthread_key_create(&key, destroy);
    for (int i = 0; i < 30; ++i) {
        pthread_t thread;
        pthread_create(&thread, NULL, with_key, NULL);
        pthread_join(thread, NULL);
    }
    return 0;
}

static int c11_work(void *argument)
{
    work(argument);
    return 5;
}

static int mode_c11(void)
{
    for (int i = 0; i < 10; ++i) {
        thrd_t thread;
        int result = 0;
        if (thrd_create(&thread, c11_work, NULL) != thrd_success)
            return 93;
        thrd_join(thread, &result);
        if (result != 5)
            return 94;
    }
    return 0;
}

static _Atomic int ticks;
static pthread_mutex_t tick_lock = PTHREAD_MUTEX_INITIALIZER;
static int over; // no tick works any more

static void tick(union sigval value)
{
    (void)value;
    pthread_mutex_lock(&tick_lock);
    if (!over)
        work(NULL);
    pthread_mutex_unlock(&tick_lock);
    ++ticks;
}

static int mode_timer_thread(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = tick};
    struct itimerspec often = {{0, 2000000}, {0, 2000000}};
    struct itimerspec never = {{0, 0}, {0, 0}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        return 95;
    timer_settime(timer, 0, &often, NULL);
    while (ticks < 50)
        usleep(1000);
    timer_settime(timer, 0, &never, NULL);
    pthread_mutex_lock(&tick_lock);
    over = 1;
    pthread_mutex_unlock(&tick_lock);
    return 0;
}

static void *detached(void *argument)
{
    work(argument);
    ++ticks;
    return NULL;
}

static int mode_detached(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    for (int i = 0; i < 100; ++i)
        if (pthread_create(&thread, &attributes, detached, NULL) != 0)
            return 96;
    while (ticks < 100)
        usleep(1000);
    pthread_attr_destroy(&attributes);
    return 0;
}

static void *early;

__attribute__((constructor(101))) static void before_main(void)
{
    early = TRUTH(malloc(808), 808);
    work(NULL);
}

static void at_exit(void)
{
    free(TRUTH_FREE(TRUTH(malloc(303), 303)));
    work(NULL);
}

__attribute__((destructor)) static void after_all(void)
{
    work(NULL);
    free(TRUTH_FREE(early));
    truth_print(); // nothing of ours follows
}

static const struct {
    const char *name;
    int (*run)(void);
} modes[] = {
    {"thousand", mode_thousand},       {"five_thousand", mode_five_thousand},
    {"ten_thousand", mode_ten_thousand},
    {"many_at_once", mode_many_at_once}, {"cancel", mode_cancel},
    {"key_destructor", mode_key_destructor}, {"c11", mode_c11},
    {"timer_thread", mode_timer_thread}, {"detached", mode_detached},
};

int main(int argc, char **argv)
{
    atexit(at_exit);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i)
        if (argc == 2 && strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run();
    return argc == 1 ? 0 : 97;
}
