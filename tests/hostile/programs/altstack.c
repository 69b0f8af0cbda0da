// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A timer's handler that allocates and frees on a stack of its own, while the program does the same
// all the time: most often the handler comes in the middle of a hook. Prints both counts. Its
// allocator is bump.c, which allows it.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static volatile long in_handler;
static char stack[65536];

static void tick(int number)
{
    (void)number;
    void *volatile p = malloc(77); // HANDLER
    free(p);
    ++in_handler;
}

int main(void)
{
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    sigaltstack(&other, NULL);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    long in_main = 0;
    while (in_handler < 2000) {
        void *volatile p = malloc(33); // MAIN
        free(p);
        if (++in_main > 20000000)
            break;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("{\"main\":%ld,\"handler\":%ld}\n", in_main, in_handler);
    return 0;
}
