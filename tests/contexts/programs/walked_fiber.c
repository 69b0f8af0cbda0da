// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fibers, raw threads and threads whose first functions are walker.c's: without frame pointers, and
// of equal size. What calls back from two places in them must not merge.

#include "chain.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

typedef int callback(uint64_t value);
extern callback *walk_call;
void walk_twice(void); // calls back from each of two functions, through a third
void *walk_thread(void *unused);

static int places;

// Told by the order: first all of the one way, then all of the other.
static int t_called(uint64_t value) {
    ENTERED;
    (void)value;
    places++;
    free(TELL(malloc(25), 25));
    return 0;
}

static ucontext_t here, there;
static char stack[1 << 16];

int main(void) {
    ENTERED;
    pthread_t thread;
    struct chain chain;
    memset(&chain, 0, sizeof chain);
    walk_call = t_called;
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    there.uc_link = &here;
    makecontext(&there, walk_twice, 0);
    struct chain *before = chain_switch(&chain);
    swapcontext(&here, &there);
    chain_switch(before);
    if (pthread_create(&thread, NULL, walk_thread, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    walk_twice();
    return places == 0;
}
