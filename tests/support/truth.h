// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a test program itself knows about its allocations, written down beside each call and
// printed as JSON at the end. It allocates nothing. Wrap a call where it stands, on one line:
//
//   char *p = TRUTH(malloc(10), 10);
//   p = TRUTH_REALLOC(p, realloc(p, 20), 20);
//   free(TRUTH_FREE(p));
//
// Safe for any number of threads, except TRUTH_REALLOC; not for signal handlers.

#ifndef MS_TESTS_TRUTH_H
#define MS_TESTS_TRUTH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRUTH(call, size) truth_alloc(__FILE__, __LINE__, (call), (size))
#define TRUTH_REALLOC(old, call, size) truth_realloc(__FILE__, __LINE__, (old), (call), (size))
// A call that allocates inside libc, as often as it likes: only what lives at the end is known.
#define TRUTH_LIVE(ptr, size) truth_live(__FILE__, __LINE__, (ptr), (size))
#define TRUTH_FREE(ptr) truth_free(ptr)

void *truth_alloc(const char *file, int line, void *ptr, size_t size);
void *truth_realloc(const char *file, int line, void *old_ptr, void *new_ptr, size_t size);
void *truth_live(const char *file, int line, void *ptr, size_t size);
void *truth_free(void *ptr);

// errno as it is now: compilers take it that malloc leaves it alone, and look no further.
int truth_errno(void);

// The calling thread's name: its totals are printed under it (threads of one name are summed).
void truth_thread(const char *name);

// To be called first in a fork child: what it inherited is not its own.
void truth_begin_child(void);

// Writes the JSON to $TRUTH_OUT.<pid>[.n], or to stdout where that is not set.
void truth_print(void);

#ifdef __cplusplus
}
#endif

#endif
