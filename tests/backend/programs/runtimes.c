// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the environment is, before and after a parallel region.

#include <memscope/memscope.h>

#include <stdio.h>
#include <stdlib.h>

static void put(const char *when) {
    struct memscope_environment environment;
    if (memscope_detect_environment(&environment) != MEMSCOPE_OK)
        return;
    printf("%s: %s, primary %s\n", when, memscope_environment_name(environment.kind),
           memscope_runtime_name(environment.primary_runtime));
    for (uint32_t i = 0; i < environment.runtime_count; i++)
        printf("%s: %s %s linked %d used %d\n", when,
               memscope_runtime_name(environment.runtimes[i].type),
               environment.runtimes[i].library ? environment.runtimes[i].library : "-",
               environment.runtimes[i].linked_in, environment.runtimes[i].used);
}

int main(void) {
    put("before");
#pragma omp parallel num_threads(3)
    free(malloc(10));
    put("after");
    return 0;
}
