// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints what the environment is: a line for the whole, one for each runtime.

#ifndef PUT_ENVIRONMENT_H
#define PUT_ENVIRONMENT_H

#include <memscope/memscope.h>

#include <stdio.h>

static void put_environment(const char *when) {
    struct memscope_environment environment;
    if (memscope_detect_environment(&environment) != MEMSCOPE_OK)
        return;
    printf("%s: %s, primary %s %s, %llu alive of %llu\n", when,
           memscope_environment_name(environment.kind),
           memscope_runtime_name(environment.primary_runtime),
           environment.primary_library ? environment.primary_library : "-",
           (unsigned long long)environment.async_task_count,
           (unsigned long long)environment.async_task_highest);
    for (uint32_t i = 0; i < environment.runtime_count; i++) {
        const struct memscope_runtime *one = &environment.runtimes[i];
        printf("%s: %s, %s: linked %d used %d, %llu of %llu\n", when,
               memscope_runtime_name(one->type), one->library ? one->library : "-", one->linked_in,
               one->used, (unsigned long long)one->tasks_now,
               (unsigned long long)one->tasks_so_far);
    }
}

#endif
