// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program that knows its own call chains: each function says that it was entered, each allocation
// is told beside its call, and chain_print writes (calls, bytes, flags, chain) as contexts_of
// --names does, cut at $CHAIN_CUT. It allocates nothing. What is compared are `main` and the functions named t_*; what
// libraries put between them is not.
//
//   static void t_leaf(void) { ENTERED; TELL(malloc(10), 10); }

#ifndef MS_TESTS_CHAIN_H
#define MS_TESTS_CHAIN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chain { // of a thread or a fiber
    int count;
    const char *names[1000];
};

int chain_enter(const char *name);
void chain_leave(const int *entered);
void *chain_tell(void *block, size_t size, const char *flags);
// The calling thread's chain from now on; NULL = its own. Returns the one before.
struct chain *chain_switch(struct chain *chain);
// In a fork child: nothing was told yet.
void chain_begin_child(void);
// Into $TRUTH_OUT.<pid>; at the end of each process by itself.
void chain_print(void);

#define ENTERED ENTERED_AS(__func__)
#define ENTERED_AS(name)                                                                             \
    int entered __attribute__((cleanup(chain_leave), unused)) = chain_enter(name)
// Before that, in what a thread or a fiber begins with: the function that started it.
#define STARTED_BY(name) (void)chain_enter("spawn " name)
#define TELL(block, size) chain_tell((block), (size), "-")
#define NOINLINE __attribute__((noinline))

#ifdef __cplusplus
}
#endif

#endif
