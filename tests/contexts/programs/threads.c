// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where stacks begin: threads of every kind, constructors, exit handlers, destructors of a thread's
// data, fork children.

#include "chain.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static pthread_key_t key;
static sem_t rang;

static NOINLINE void t_leaf(size_t size) {
    ENTERED;
    free(TELL(malloc(size), size));
}

static NOINLINE void t_work(int left) {
    ENTERED;
    t_leaf(20);
    if (left > 0)
        t_work(left - 1);
}

static void t_on_end(void *value) {
    ENTERED;
    (void)value;
    t_leaf(21);
}

static void *t_thread(void *unused) {
    STARTED_BY("t_start_all");
    ENTERED;
    pthread_setspecific(key, &key);
    t_leaf(26);
    t_work(2);
    return unused;
}

static int t_c11_thread(void *unused) {
    STARTED_BY("t_start_c11");
    ENTERED;
    (void)unused;
    t_work(1);
    return 0;
}

static void t_on_timer(union sigval value) {
    ENTERED;
    (void)value;
    t_work(3);
    t_leaf(27);
    sem_post(&rang);
}

static void t_child_handler(void) {
    ENTERED;
    t_leaf(22);
}

static NOINLINE void t_start_c11(void) {
    ENTERED;
    thrd_t c11;
    if (thrd_create(&c11, t_c11_thread, NULL) != thrd_success)
        abort();
    thrd_join(c11, NULL);
}

static NOINLINE void t_start_all(void) {
    ENTERED;
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, t_thread, NULL) != 0)
            abort();
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    t_start_c11();
}

static NOINLINE void t_timer(void) {
    ENTERED;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = t_on_timer};
    struct itimerspec soon = {.it_value.tv_nsec = 1000000};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        abort();
    timer_settime(timer, 0, &soon, NULL);
    while (sem_wait(&rang) != 0)
        ;
}

__attribute__((constructor)) static void t_before_main(void) {
    ENTERED;
    t_leaf(23);
    t_work(1);
}

__attribute__((destructor)) static void t_after_main(void) {
    ENTERED;
    t_leaf(24);
}

static NOINLINE void t_fork(int left) {
    ENTERED;
    pid_t child = fork();
    if (child == 0) {
        t_leaf(25);
        t_start_all();
        if (left > 0)
            t_fork(left - 1);
        exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        abort();
}

int main(int argc, char **argv) {
    ENTERED;
    (void)argv;
    sem_init(&rang, 0, 0);
    pthread_key_create(&key, t_on_end);
    t_start_all();
    if (argc == 1) {
        t_timer();
        return 0;
    }
    pthread_atfork(NULL, NULL, chain_begin_child);
    pthread_atfork(NULL, NULL, t_child_handler);
    t_fork(1);
    return 0;
}
