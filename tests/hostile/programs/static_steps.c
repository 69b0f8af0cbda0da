// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program to be linked with -static, keeping its own books: the malloc family, a thread with a
// name, dlopen's refusal, quick_exit with its handlers. served(), where linked in, says whose the
// blocks are.

#include "truth.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern int served(const void *block) __attribute__((weak));
extern int mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

static void *work(void *name)
{
    if (name != NULL && pthread_setname_np(pthread_self(), name) != 0)
        exit(92);
    for (int i = 1; i <= 200; ++i) {
        char *p = TRUTH(malloc((size_t)i), (size_t)i);
        if (served != NULL && !served(p))
            exit(93);
        p = TRUTH_REALLOC(p, realloc(p, (size_t)i * 2), (size_t)i * 2);
        char *q = TRUTH(calloc(3, (size_t)i), 3 * (size_t)i);
        if (q[0] != 0)
            exit(94);
        free(TRUTH_FREE(q));
        if (i % 2)
            free(TRUTH_FREE(p));
    }
    return NULL;
}

static void at_quick_exit_(void)
{
    static const char text[] = "quick\n";
    (void)!write(2, text, sizeof text - 1);
}

int main(int argc, char **argv)
{
    work(NULL);
    if (argc > 1 && strcmp(argv[1], "thread") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)"worker") != 0)
            return 95;
        pthread_join(thread, NULL);
    }
    if (mallctl != NULL) {
        unsigned long allocated = 0;
        size_t size = sizeof allocated;
        if (mallctl("stats.allocated", &allocated, &size, NULL, 0) != 0 || allocated == 0)
            return 96; // jemalloc served nothing
    }
    truth_print();
    at_quick_exit(at_quick_exit_);
    quick_exit(7);
}
