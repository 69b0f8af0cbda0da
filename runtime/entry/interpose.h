// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a function is put in front of the program's own: MS_INTERPOSE defines ms_own_<name>, which
// always is ours, and the public symbol as its alias (weak in the static runtime, where a program's
// own definition wins); the two differ exactly where something hides ours.

#ifndef MS_INTERPOSE_H
#define MS_INTERPOSE_H

#include "platform/platform.h"

#ifdef MEMSCOPE_STATIC_RUNTIME
#define MS_INTERPOSED MS_EXPORT __attribute__((weak))
#else
#define MS_INTERPOSED MS_EXPORT
#endif

#ifdef MEMSCOPE_NO_INTERPOSE // sanitizer builds of the collecting code: hooks only
#define MS_INTERPOSES 0
#define MS_INTERPOSE(ret, name, params)                                                            \
    ret ms_own_##name params;                                                                      \
    ret ms_own_##name params
#else
#define MS_INTERPOSES 1
#define MS_INTERPOSE(ret, name, params)                                                            \
    ret ms_own_##name params;                                                                      \
    MS_INTERPOSED ret name params __attribute__((alias("ms_own_" #name)));                         \
    ret ms_own_##name params
#endif

#define MS_HERE ms_origin_foreign(__builtin_return_address(0))

// False where another MemScope runtime in this process came first (a linked-in one, when this is
// the preloaded one): there is one runtime a process, this one stays passive.
bool ms_is_the_runtime(void);

#endif
