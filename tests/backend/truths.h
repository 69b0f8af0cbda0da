// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the tests of the backend share: allocations that no compiler drops, and the way to run them.

#ifndef MS_TESTS_BACKEND_TRUTHS_H
#define MS_TESTS_BACKEND_TRUTHS_H

#include "reading.h"

#include <check.h>
#include <memscope/memscope.h>

#ifdef __cplusplus
extern "C" {
#endif

// Behind a compiler's back.
void *truths_allocate(size_t bytes);
void truths_free(void *block);

// `count` blocks of `bytes` bytes, the n-th one n bytes larger; what they sum up to.
void truths_allocate_many(void **blocks, size_t count, size_t bytes);
void truths_free_many(void **blocks, size_t count);
uint64_t truths_bytes(size_t count, size_t bytes);

// Has the runtime's options as well: the first time it starts the program anew, and does not
// return.
void truths_with_options(const char *more);

// The default backend; fails the test where there is none.
memscope_backend truths_backend(void);

// What the reader says of a copy of the profile, which must be whole.
struct truths_read truths_read(const struct memscope_analysis *data);

// Runs the suite, one test case for each test; main's result.
int truths_run(Suite *suite);
void truths_add(Suite *suite, const char *name, const TTest *test);
#define TRUTHS_ADD(suite, test) truths_add((suite), #test, (test))

#ifdef __cplusplus
}
#endif

#endif
