// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// processes.c MODE: one way for a process to begin or end, with allocations on every side. Each
// process writes its own truth to $TRUTH_OUT.<pid>, which the script compares with its profile.

#include "truth.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *self;

static void work(int count)
{
    for (int i = 0; i < count; ++i) {
        void *p = TRUTH(malloc((size_t)i + 1), (size_t)i + 1);
        if (i % 3)
            free(TRUTH_FREE(p));
    }
}

static int wait_for(pid_t pid)
{
    int status = 0;
    if (pid <= 0 || waitpid(pid, &status, 0) != pid)
        return 90;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

// What a child does: frees two blocks of its parent's, allocates on its own, tells.
static void child(void *inherited, void *grown)
{
    truth_begin_child();
    free(TRUTH_FREE(inherited));
    grown = TRUTH_REALLOC(grown, realloc(grown, 90000), 90000);
    work(200);
    truth_print();
}

static int fork_with(pid_t (*fork_function)(void))
{
    void *a = TRUTH(malloc(1234), 1234);
    void *b = TRUTH(malloc(2345), 2345);
    work(100);
    pid_t pid = fork_function();
    if (pid == 0) {
        child(a, b);
        _exit(0);
    }
    int result = wait_for(pid);
    work(50);
    free(TRUTH_FREE(a));
    truth_print();
    return result;
}

static int mode_fork(void)
{
    return fork_with(fork);
}

static int mode_under_fork(void)
{
    return fork_with(_Fork);
}

static pid_t raw_clone(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static int mode_clone(void)
{
    return fork_with(raw_clone);
}

static int mode_fork_loop(void)
{
    for (int i = 0; i < 30; ++i) {
        void *a = TRUTH(malloc(10), 10);
        void *b = TRUTH(malloc(20), 20);
        pid_t pid = fork();
        if (pid == 0) {
            child(a, b);
            exit(0);
        }
        if (wait_for(pid) != 0)
            return 91;
    }
    truth_print();
    return 0;
}

// A fork in a process of four threads that allocate all the time.
static volatile int stop;

static void *churn(void *argument)
{
    while (!stop)
        free(TRUTH_FREE(TRUTH(malloc(33), 33)));
    return argument;
}

static int mode_fork_threads(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i)
        pthread_create(&threads[i], NULL, churn, NULL);
    int result = 0;
    for (int i = 0; i < 10 && result == 0; ++i) {
        pid_t pid = fork();
        if (pid == 0) {
            truth_begin_child();
            work(300);
            truth_print();
            _exit(0);
        }
        result = wait_for(pid);
    }
    stop = 1;
    for (int i = 0; i < 4; ++i)
        pthread_join(threads[i], NULL);
    truth_print();
    return result;
}

static int mode_grandchild(void)
{
    work(10);
    pid_t pid = fork();
    if (pid != 0) {
        truth_print();
        return wait_for(pid);
    }
    truth_begin_child();
    work(20);
    pid = fork();
    if (pid != 0) {
        truth_print();
        _exit(wait_for(pid));
    }
    truth_begin_child();
    work(40);
    truth_print();
    _exit(0);
}

static int mode_vfork_exec(void)
{
    work(100);
    pid_t pid = vfork();
    if (pid == 0) {
        execl(self, self, "plain", (char *)NULL);
        _exit(92);
    }
    int result = wait_for(pid);
    work(50);
    truth_print();
    return result;
}

static int mode_spawn(void)
{
    work(100);
    pid_t pid = 0;
    char *arguments[] = {self, (char *)"plain", NULL};
    if (posix_spawn(&pid, self, NULL, NULL, arguments, environ) != 0)
        return 93;
    int result = wait_for(pid);
    truth_print();
    return result;
}

static int mode_exec(void)
{
    work(123);
    truth_print();
    execl(self, self, "plain", (char *)NULL);
    return 94;
}

static int mode_daemon(void)
{
    work(10);
    truth_print();
    if (daemon(1, 1) != 0)
        return 95;
    truth_begin_child();
    work(500);
    truth_print();
    return 0;
}

static int mode_plain(void)
{
    work(77);
    truth_print();
    return 0;
}

static int mode_under_exit(void)
{
    work(77);
    truth_print();
    _exit(7);
}

static void at_quick(void)
{
    work(33);
    truth_print();
}

static int mode_quick_exit(void)
{
    at_quick_exit(at_quick);
    work(77);
    quick_exit(8);
}

static int mode_abort(void)
{
    work(77);
    truth_print();
    abort();
}

static int mode_segfault(void)
{
    work(77);
    truth_print();
    raise(SIGSEGV);
    return 0;
}

static void *outlive(void *argument)
{
    usleep(20000);
    work(40);
    truth_print();
    return argument;
}

static int mode_main_pthread_exit(void)
{
    work(10);
    pthread_t thread;
    pthread_create(&thread, NULL, outlive, NULL);
    pthread_exit(NULL);
}

// Three execs of one pid.
static int mode_exec_chain(void)
{
    const char *left = getenv("LEFT");
    int count = left == NULL ? 3 : atoi(left);
    work(10 + count);
    truth_print();
    char text[8];
    snprintf(text, sizeof text, "%d", count - 1);
    setenv("LEFT", text, 1);
    if (count > 0)
        execl(self, self, "exec_chain", (char *)NULL);
    return count == 0 ? 0 : 96;
}

static const struct {
    const char *name;
    int (*run)(void);
} modes[] = {
    {"fork", mode_fork},
    {"under_fork", mode_under_fork},
    {"clone", mode_clone},
    {"fork_loop", mode_fork_loop},
    {"fork_threads", mode_fork_threads},
    {"grandchild", mode_grandchild},
    {"vfork_exec", mode_vfork_exec},
    {"spawn", mode_spawn},
    {"exec", mode_exec},
    {"exec_chain", mode_exec_chain},
    {"daemon", mode_daemon},
    {"plain", mode_plain},
    {"under_exit", mode_under_exit},
    {"quick_exit", mode_quick_exit},
    {"abort", mode_abort},
    {"segfault", mode_segfault},
    {"main_pthread_exit", mode_main_pthread_exit},
};

int main(int argc, char **argv)
{
    self = argv[0];
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i)
        if (argc == 2 && strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run();
    return 97;
}
