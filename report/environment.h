// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which libraries run the tasks of a program, by the table async_libraries.def.

#ifndef MEMSCOPE_REPORT_ENVIRONMENT_H
#define MEMSCOPE_REPORT_ENVIRONMENT_H

#include <stdio.h>

#include <profile/tasks.h>

#define MS_RUNTIMES_MOST 32

struct ms_runtime {
    const char *name;
    bool linked_in; // always where it is used
    bool used;      // a task of it began
    bool tested;    // by us, with this library
    const char
        *evidence; // of the profile: the type, function or module that told; NULL = its sites
};

// How many; `runtimes_out` has room for MS_RUNTIMES_MOST. Coroutines and fibers of no known library
// are "C++20 coroutines" and "fibers".
size_t ms_find_runtimes(const struct ms_summary *summary,
                        struct ms_runtime runtimes_out[MS_RUNTIMES_MOST]);
// The library whose own coroutines these are, "Asio"; NULL = none's: the user's.
const char *ms_plumbing_library(const struct ms_task_class *task_class);
// The same of any function, by its name; NULL = none's, or no name.
const char *ms_plumbing_of_function(const char *function);
// Whether it goes with the frames of a library that it called.
bool ms_is_plumbing_glue(const char *function);
// "Hybrid(2 threads, 4 async tasks): Boost.Asio, fibers (linked in, not used)"
void ms_put_environment(FILE *out, const struct ms_summary *summary);

#endif
