// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What dl.c and its library share. -DDL_OWN_BYTES tells copies of the library apart.

#ifndef MS_TESTS_DL_H
#define MS_TESTS_DL_H

#include <stddef.h>

#ifndef DL_OWN_BYTES
#define DL_OWN_BYTES 1000
#endif

void *dl_allocate(size_t bytes);
void dl_free(void *block);
void *dl_load(const char *name); // by the library's own RUNPATH

typedef void *dl_allocate_function(size_t bytes);
typedef void dl_free_function(void *block);
typedef void *dl_load_function(const char *name);

#endif
