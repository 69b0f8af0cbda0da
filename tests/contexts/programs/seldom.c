// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions that the pass takes for ones from which no allocation is reached, so that they keep no
// frame pointer, and which are on the stack of allocations nevertheless: they are interrupted by a
// handler, or a function of another module is no free, whatever its name. Their callers t_left and
// t_right are called from one place: a chain of frame pointers that leaves them out is the same.
// As telling is a call, too, they are told by who calls them.

#include "chain.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

void calls_back_free(void (*function)(size_t), size_t size); // seldom_library.c

static char *page;
static long numbers[20];
static volatile size_t copied = 100;

static void t_on_fault(int signal) {
    ENTERED;
    (void)signal;
    free(TELL(malloc(33), 33));
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

static void t_on_call(size_t size) {
    ENTERED;
    free(TELL(malloc(size), size));
}

// More values than there are registers that calls keep: the frame pointer's holds one of them.
static NOINLINE long t_busy(const long *from) {
    long a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5], g = from[6];
    memcpy(page, from, copied);
    memcpy(page + PAGE / 2, from + 1, copied);
    return a * 3 + b * 5 + c * 7 + d * 11 + (e ^ f) + (g << 1);
}

static NOINLINE long t_frees(size_t size) {
    calls_back_free(t_on_call, size);
    return (long)strlen(page) + 1;
}

static NOINLINE long t_frees_further(size_t size) {
    return t_frees(size + 1) + 1;
}

static long all_ways(void) {
    long sum = 0;
    mprotect(page, PAGE, PROT_NONE);
    {
        ENTERED_AS("t_busy");
        sum += t_busy(numbers);
    }
    {
        ENTERED_AS("t_frees");
        sum += t_frees(44);
    }
    {
        ENTERED_AS("t_frees_further");
        {
            ENTERED_AS("t_frees");
            sum += t_frees_further(44);
        }
    }
    return sum;
}

static NOINLINE long t_left(void) {
    ENTERED;
    return all_ways() + 1;
}

static NOINLINE long t_right(void) {
    ENTERED;
    return all_ways() + 2;
}

static NOINLINE long t_both(int turn) {
    ENTERED;
    static long (*const volatile ways[])(void) = {t_left, t_right};
    return ways[turn % 2]() + turn;
}

int main(void) {
    ENTERED;
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return 1;
    struct sigaction action = {.sa_handler = t_on_fault};
    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < 20; i++)
        numbers[i] = getpagesize() + i;
    long sum = 0;
    for (int turn = 0; turn < 7; turn++)
        sum += t_both(turn);
    return sum == 0;
}
