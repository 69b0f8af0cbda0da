// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// signals.c MODE: handlers that allocate and free, on top of a loop that does nothing else, so that
// many interrupt a hook. The allocator (safe_malloc.c) bears it. Each process writes its own truth
// to $TRUTH_OUT.<pid>.
//
//   plain      a timer's handler                  altstack     the same on a stack of its own
//   threads    handlers on four threads           fork         the handler forks; the child allocates
//   jump       the handler jumps out of whatever it interrupted
//   grow       as altstack, while a thread's table of stacks grows: the first milliseconds
//   fork_goes_on  the child returns into the loop that was interrupted, before it ends
//   fork_counts_and_goes_on  ... after it has allocated in the handler
//   fork_twice_and_goes_on   ... after it has forked again, as that child does

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOP_LINE = __LINE__ + 14, HANDLER_LINE = __LINE__ + 42 };

static _Atomic uint64_t loop_allocations, loop_frees, handler_allocations, handler_frees;
static void *_Atomic kept_by_handler;
static volatile sig_atomic_t stop, forks, goes_on, is_child;
static sigjmp_buf again;
static volatile sig_atomic_t jumps;
static int forking, jumping, counts_first, twice;

// By 256 stacks, each of which takes the slow path once.
static __attribute__((noinline)) void *allocate(uint64_t i, uint64_t path)
{
    void *block;
    if (path == 1)
        block = malloc(i % 200), ++loop_allocations;
    else if (path & 1)
        block = allocate(i, path >> 1);
    else
        block = allocate(i, path >> 1);
    __asm__ volatile(""); // not the same as the other
    return block;
}

static void loop(uint64_t events)
{
    void *ring[32] = {NULL};
    for (uint64_t i = 0; !stop && i < events; ++i) {
        void **slot = &ring[i % 32];
        if (*slot != NULL) {
            free(*slot), ++loop_frees;
        }
        *slot = allocate(i, i % 256 | 256);
    }
    for (int i = 0; i < 32; ++i)
        if (ring[i] != NULL)
            free(ring[i]), ++loop_frees;
}

// A block of an earlier handler's is freed by a later one: each may have been inside a hook or not.
static void allocate_in_handler(void)
{
    for (int i = 0; i < 2; ++i) {
        void *mine = malloc(11);
        ++handler_allocations;
        void *earlier = kept_by_handler;
        while (!__atomic_compare_exchange_n((void **)&kept_by_handler, &earlier, mine, 0,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
        if (earlier != NULL)
            free(earlier), ++handler_frees;
    }
}

static void tell(void)
{
    char text[512], path[512];
    snprintf(path, sizeof path, "%s.%d", getenv("TRUTH_OUT"), (int)getpid());
    int length = snprintf(text, sizeof text,
                          "{\"pid\":%d,\"child\":%d,\"loop_line\":%d,\"handler_line\":%d,"
                          "\"jumps\":%d,\"loop\":[%llu,%llu],\"handler\":[%llu,%llu]}\n",
                          (int)getpid(), (int)is_child, LOOP_LINE, HANDLER_LINE, (int)jumps,
                          (unsigned long long)loop_allocations, (unsigned long long)loop_frees,
                          (unsigned long long)handler_allocations,
                          (unsigned long long)handler_frees);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (write(fd, text, (size_t)length) != length)
        _exit(98);
    close(fd);
}

// The child's books begin anew; the blocks it inherited are not its own.
static void fork_in_handler(void)
{
    pid_t pid = fork();
    if (pid > 0) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (status != 0)
            _exit(99);
        return;
    }
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    is_child = 1;
    loop_allocations = loop_frees = handler_allocations = handler_frees = 0;
    kept_by_handler = NULL;
    if (twice-- > 0)
        fork_in_handler();
    if (goes_on && !counts_first)
        return;
    allocate_in_handler();
    if (goes_on)
        return;
    tell();
    _exit(0);
}

static void on_signal(int number)
{
    int saved_errno = errno;
    (void)number;
    if (jumping) {
        ++jumps;
        siglongjmp(again, 1);
    }
    if (!is_child) {
        allocate_in_handler();
        if (forking && ++forks % 8 == 0 && forks < 8 * 40)
            fork_in_handler();
    }
    errno = saved_errno;
}

static void set_handler(int number, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags | SA_RESTART};
    sigaction(number, &action, NULL);
}

static void set_timer(int microseconds)
{
    struct itimerval often = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &often, NULL);
}

static void run_under_timer(int flags, double seconds)
{
    set_handler(SIGALRM, flags);
    set_timer(40);
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        loop(20000);
        if (is_child) {
            loop(100); // the fork may have been at the very end of the one before
            tell();
            _exit(0);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        seconds -= (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
        start = now;
    } while (forking ? forks < 8 * 40 : seconds > 0);
    set_timer(0);
}

// Slots of blocks that a jump forgets are not used again: 32 of 262,144 each time.
static void run_jumps(void)
{
    jumping = 1;
    set_handler(SIGALRM, 0);
    if (sigsetjmp(again, 1) == 0)
        set_timer(300);
    if (jumps < 500)
        loop(UINT64_MAX);
    set_timer(0);
    jumping = 0;
}

static void *run_thread(void *argument)
{
    loop(UINT64_MAX);
    return argument;
}

static void run_threads(void)
{
    pthread_t threads[4];
    set_handler(SIGUSR1, 0);
    for (int i = 0; i < 4; ++i)
        pthread_create(&threads[i], NULL, run_thread, NULL);
    for (int i = 0; i < 20000; ++i) {
        pthread_kill(threads[i % 4], SIGUSR1);
        if (i % 4 == 0)
            usleep(20);
    }
    stop = 1;
    for (int i = 0; i < 4; ++i)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    static char other_stack[65536];
    const char *mode = argc == 2 ? argv[1] : "";
    stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
    sigaltstack(&stack, NULL);
    forking = strncmp(mode, "fork", 4) == 0;
    counts_first = strcmp(mode, "fork_counts_and_goes_on") == 0;
    twice = strcmp(mode, "fork_twice_and_goes_on") == 0;
    goes_on = counts_first || twice || strcmp(mode, "fork_goes_on") == 0;
    if (strcmp(mode, "threads") == 0)
        run_threads();
    else if (strcmp(mode, "jump") == 0)
        run_jumps();
    else if (strcmp(mode, "grow") == 0)
        run_under_timer(SA_ONSTACK, 0.01);
    else
        run_under_timer(strcmp(mode, "altstack") == 0 ? SA_ONSTACK : 0, 3);
    tell();
    return 0;
}
