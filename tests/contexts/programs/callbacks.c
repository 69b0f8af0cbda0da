// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions that libc calls back, each reached through two callers.

#include "chain.h"

#include <dirent.h>
#include <ftw.h>
#include <link.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

static int t_compare(const void *a, const void *b) {
    ENTERED;
    free(TELL(malloc(16), 16));
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static int t_compare_more(const void *a, const void *b, void *data) {
    ENTERED;
    free(TELL(malloc(*(int *)data), (size_t)*(int *)data));
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void t_visit(const void *node, VISIT which, int depth) {
    ENTERED;
    (void)node;
    (void)depth;
    if (which == leaf || which == postorder)
        free(TELL(calloc(2, 9), 18));
}

static void t_once(void) {
    ENTERED;
    TELL(malloc(77), 77);
}

static void t_nested_sort(void);

static int t_compare_and_sort(const void *a, const void *b) {
    ENTERED;
    t_nested_sort();
    return *(const int *)a - *(const int *)b;
}

static NOINLINE void t_nested_sort(void) {
    ENTERED;
    int numbers[4] = {3, 1, 4, 2};
    qsort(numbers, 4, sizeof *numbers, t_compare);
}

static NOINLINE void t_sort(int count) {
    ENTERED;
    int numbers[64], size = 44;
    for (int i = 0; i < count; i++)
        numbers[i] = i * 37 % 61;
    qsort(numbers, (size_t)count, sizeof *numbers, t_compare);
    qsort_r(numbers, (size_t)count, sizeof *numbers, t_compare_more, &size);
    int key = numbers[count / 3];
    if (!bsearch(&key, numbers, (size_t)count, sizeof *numbers, t_compare))
        abort();
    qsort(numbers, 5, sizeof *numbers, t_compare_and_sort);
}

static NOINLINE void t_tree(void) {
    ENTERED;
    static int numbers[10];
    void *root = NULL;
    for (int i = 0; i < 10; i++) {
        numbers[i] = i * 7 % 10;
        TELL(tsearch(&numbers[i], &root, t_compare), 24); // a node
    }
    twalk(root, t_visit);
    for (int i = 0; i < 10; i++)
        tdelete(&numbers[i], &root, t_compare);
}

// ---- files: libc allocates by itself as well, which is not told --------------------------------

static int t_wanted(const struct dirent *entry) {
    ENTERED;
    free(TELL(malloc(41), 41));
    return entry->d_name[0] == '.';
}

static int t_order(const struct dirent **a, const struct dirent **b) {
    ENTERED;
    free(TELL(malloc(42), 42));
    return alphasort(a, b);
}

static int t_file(const char *path, const struct stat *status, int type, struct FTW *where) {
    ENTERED;
    (void)path;
    (void)status;
    (void)type;
    free(TELL(malloc(43), 43));
    return where->level > 0; // one of them is enough
}

static ssize_t t_write(void *cookie, const char *bytes, size_t count) {
    ENTERED;
    (void)cookie;
    (void)bytes;
    free(TELL(malloc(45), 45));
    return (ssize_t)count;
}

static int t_module(struct dl_phdr_info *info, size_t size, void *data) {
    ENTERED;
    (void)info;
    (void)data;
    free(TELL(malloc(46), 46));
    return size > 0;
}

static NOINLINE void t_files(void) {
    ENTERED;
    struct dirent **entries;
    int count = scandir("/proc/self/fdinfo/..", &entries, t_wanted, t_order);
    if (count != 2) // "." and ".."
        abort();
    while (count-- > 0)
        free(entries[count]);
    free(entries);
    nftw("/proc/self/fdinfo", t_file, 4, FTW_PHYS);
    cookie_io_functions_t functions = {.write = t_write};
    FILE *stream = fopencookie(NULL, "w", functions);
    if (!stream || fputs("text", stream) < 0 || fflush(stream) != 0 || fclose(stream) != 0)
        abort();
    dl_iterate_phdr(t_module, NULL);
}

static pthread_once_t once = PTHREAD_ONCE_INIT, once_more = PTHREAD_ONCE_INIT;

static NOINLINE void t_one_way(pthread_once_t *which) {
    ENTERED;
    t_sort(20);
    t_tree();
    t_files();
    pthread_once(which, t_once);
}

static NOINLINE void t_other_way(pthread_once_t *which) {
    ENTERED;
    t_sort(33);
    t_sort(20);
    t_tree();
    t_files();
    pthread_once(which, t_once);
}

// Nothing of the program is on the stack but main, which called exit or returned.
static void t_at_exit(void) {
    ENTERED;
    free(TELL(malloc(101), 101));
}

static void t_on_exit(int code, void *data) {
    ENTERED;
    (void)data;
    free(TELL(malloc(102 + (size_t)code), 102 + (size_t)code));
}

static NOINLINE void t_leave(void) {
    ENTERED;
    exit(0);
}

int main(int argc, char **argv) {
    ENTERED;
    (void)argv;
    atexit(t_at_exit);
    on_exit(t_on_exit, NULL);
    t_one_way(&once);
    t_other_way(&once_more);
    t_sort(20);
    t_leave();
    return argc;
}
