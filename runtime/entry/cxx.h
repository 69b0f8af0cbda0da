// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C++ operators (cxx.c), as seen by the runtime's start.

#ifndef MS_CXX_H
#define MS_CXX_H

// Finds out whether the program replaced any operator. Once, after ms_real_resolve.
void ms_cxx_resolve(void);

// Our definition of the operator with this mangled name.
void *ms_own_operator(const char *symbol);

#endif
