// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A frame pointer costs time wherever it is kept: functions that no allocation can be reached from
// have what the compiler gives them. Here their names begin with `off`, those of the others with
// `way`.
//
// RUN: %cc -O2 -g -fomit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort >%t.kept
// RUN: grep -c '^way' %t.kept | grep -x 24
// RUN: grep -c '^off' %t.kept | grep -x 18
// RUN: ! grep -v -e '^way.* non-leaf$' -e '^off.* none$' %t.kept
//
// RUN: %cc %linked -O2 -g -fomit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort | cmp - %t.kept
// RUN: %cc -O0 -fomit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort | cmp - %t.kept
// RUN: %cc -fplugin=%plugin -mllvm -memscope-alloc=off_pool:0:user -O2 -fomit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort >%t.listed
// RUN: sed 's/^off_to_pool none/off_to_pool non-leaf/' %t.kept | cmp - %t.listed
// RUN: %cc -fplugin=%plugin -mllvm -memscope-frame-pointers=all -O2 -fomit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort | grep -c ' non-leaf$' | grep -x 42
// RUN: %cc -fplugin=%plugin -mllvm -memscope-frame-pointers=0 -O2 -fomit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort | grep -c ' none$' | grep -x 42
// RUN: %cc -O2 -fno-omit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort | grep -c ' all$' | grep -x 42

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#define NOINLINE __attribute__((noinline))

char text[100];
void *volatile sink;
int numbers[8];
jmp_buf place;

// ---- what the C library does by itself ---------------------------------------------------------

static NOINLINE size_t off_copies(const char *from, size_t size) {
    memcpy(text, from, size);
    text[size] = 0;
    return strlen(text) + 1;
}
static NOINLINE size_t off_folds(const char *from) {
    size_t size = off_copies(from, strcspn(from, ";"));
    for (size_t i = 0; i < size; i++)
        text[i] = isalpha(text[i]) ? tolower(text[i]) : '_';
    return size;
}
size_t off_chain(const char *from) { return off_folds(from) + off_folds(from + 1); }
double off_counts(double x) {
    double y = pow(x, 3) + fmod(x, 2);
    return errno == ERANGE ? lgamma(y) + 1 : sqrtf((float)y) + 1;
}
void off_frees(void *block) {
    free(block);
    text[0] = 0;
}
int off_asks_what_only_reads(const char *from) {
    extern __attribute__((pure)) int reads(const char *);
    return reads(from) + reads(from + 1);
}

// ---- allocations, near and far -----------------------------------------------------------------

void way_allocates(size_t size) { sink = malloc(size); }
static NOINLINE void way_two(size_t size) { sink = calloc(size, 2); }
static NOINLINE int way_one(size_t size) {
    way_two(size);
    return 1;
}
int way_down(size_t size) { return way_one(size) + 1; }
void way_only_if(size_t size) {
    off_chain(text);
    if (size == 17)
        sink = strdup(text);
    text[0] = 0;
}
int way_starts(thrd_start_t function) {
    thrd_t thread;
    return thrd_create(&thread, function, NULL) + 1;
}
int way_lands(void) { return setjmp(place) + off_copies(text, 3); }
__attribute__((malloc, alloc_size(1))) void *other_allocator(size_t);
void way_of_the_programs_own(void) {
    sink = other_allocator(3);
    text[0] = 0;
}
int off_pool(void);
NOINLINE int off_pool(void) { return strchr(text, 'a') != NULL; }
int off_to_pool(void) { return off_pool() + off_copies(text, 1); }

// ---- where it cannot be known ------------------------------------------------------------------

int unknown(int);
int way_unknown(int n) { return unknown(n) + 1; }
int way_pointer(int (*function)(int), int n) { return function(n) + 1; }
static NOINLINE int off_compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof *numbers) * 2;
}
void way_callback(void) {
    qsort(numbers, 8, sizeof *numbers, off_compare);
    numbers[0]++;
}
int way_asm(int n) {
    __asm__ volatile("call unknown" : "+D"(n)::"memory", "rax");
    return n + 1;
}
__attribute__((weak)) int off_replaceable(int n) { return off_copies(text, n) + 1; }
int way_replaceable(int n) { return off_replaceable(n) + 1; }
extern int off_other_name(int) __attribute__((alias("off_replaceable")));
extern int way_weak_name(int) __attribute__((alias("way_replaceable"), weak));
int off_by_other_name(int n) { return off_other_name(n) + 1; }
int way_by_weak_name(int n) { return way_weak_name(n) + 1; }

// Nothing but the name tells.
void other_free(void *), *other_refree(void *), free_all(void);
void off_frees_by_another_module(void *block) {
    other_free(block);
    text[0] = 0;
}
void way_refrees(void *block) {
    other_refree(block);
    text[0] = 0;
}
void way_frees_all(void) {
    free_all();
    text[0] = 0;
}

// ---- recursion ---------------------------------------------------------------------------------

int off_itself(int n) { return n > 1 ? off_itself(n - 1) * off_itself(n - 2) : (int)off_copies(text, 3); }
int way_itself(int n) { return n > 1 ? way_itself(n - 1) * way_itself(n - 2) : way_down(3); }
int off_even(int);
NOINLINE int off_odd(int n) { return n == 0 ? (int)off_copies(text, 2) : off_even(n - 1) + 1; }
NOINLINE int off_even(int n) { return n == 0 ? 1 : off_odd(n - 1) + 1; }
int way_even(int);
NOINLINE int way_odd(int n) { return n == 0 ? 0 : way_even(n - 1) + 1; }
NOINLINE int way_even(int n) { return n == 0 ? way_down(4) : way_odd(n - 1) + 1; }

// ---- calls that do not return ------------------------------------------------------------------

void off_aborts(void) { abort(); }
int off_asserts(int n) {
    assert(n != 3);
    return off_copies(text, n) + 1;
}
__attribute__((noreturn)) void fails(const char *);
int off_may_fail(int n) {
    if (n == 5)
        fails("five");
    return off_copies(text, n) + 1;
}
// As main and a thread's first function do, that all of the program runs in.
void way_never_ends(int n) {
    off_copies(text, n);
    fails("what may go on for ever");
}
__attribute__((noreturn)) NOINLINE static void way_loop(void) {
    for (;;)
        way_allocates(3);
}
int way_ends_in_loop(int n) {
    if (n == 3)
        return 4;
    way_loop();
}

// ---- a name is the library's where the module has no function of that name ---------------------

static NOINLINE int strspn_(const char *from, const char *set) __asm__("way_own_name");
static NOINLINE int strspn_(const char *from, const char *set) {
    sink = malloc(strlen(from));
    return from == set;
}
int way_to_own_name(void) { return strspn_(text, "a") + 1; }
