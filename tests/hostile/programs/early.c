// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocations before every constructor (.preinit_array) and, with LIBRARY, in a library that is
// initialised first and finished last of all (-z initfirst): before ours begin, after ours ended.

#include <stdlib.h>

#ifdef LIBRARY
static void *volatile kept;

__attribute__((constructor)) static void first(void)
{
    kept = malloc(707);
}

__attribute__((destructor)) static void last(void)
{
    free(kept);
    void *volatile p = malloc(303);
    free(p);
    kept = malloc(101);
}
#else
#include "truth.h"

static void work(void)
{
    free(TRUTH_FREE(TRUTH(malloc(11), 11)));
    (void)TRUTH(calloc(2, 11), 22);
}

static void before_all(int argc, char **argv, char **environment)
{
    (void)argc, (void)argv, (void)environment;
    work();
}

__attribute__((section(".preinit_array"), used)) static void (*const early)(int, char **, char **) =
    before_all;

__attribute__((destructor(101))) static void after_all(void)
{
    work();
    truth_print();
}

int main(void)
{
    work();
    return 0;
}
#endif
