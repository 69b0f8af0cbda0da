// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program, and with -DLIBRARY a shared object that it loads: both open sessions at the same time,
// of the same backend, each by its own copy of the header's functions.

#include <memscope/memscope.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// Allocates `count` blocks in a session of its own; what that counted, or 0.
unsigned long long plugin_work(int count, memscope_backend *backend_out);

#ifdef LIBRARY

__attribute__((visibility("default"))) unsigned long long
plugin_work(int count, memscope_backend *backend_out) {
    memscope_session session;
    struct memscope_analysis data;
    if (memscope_backend_initialize(NULL, backend_out) != MEMSCOPE_OK ||
        memscope_start_tracking(*backend_out, &session) != MEMSCOPE_OK)
        return 0;
    for (int i = 0; i < count; i++) {
        void *volatile block = malloc(50);
        free(block);
    }
    if (memscope_session_end(session, &data) != MEMSCOPE_OK)
        return 0;
    memscope_analysis_free(&data);
    return data.statistics.total_allocations;
}

#else

int main(int argc, char **argv) {
    unsigned long long (*work)(int, memscope_backend *) = NULL;
    memscope_backend backend = 0, theirs = 0;
    memscope_session session;
    struct memscope_analysis data;
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    *(void **)&work = library ? dlsym(library, "plugin_work") : NULL;
    if (!work) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    memscope_status status = memscope_backend_initialize(NULL, &backend);
    if (status != MEMSCOPE_OK) {
        printf("%d, plugin %llu\n", (int)status, work(100, &theirs));
        return 0;
    }
    memscope_status started = memscope_start_tracking(backend, &session);
    void *volatile block = malloc(10);
    unsigned long long first = work(100, &theirs), second = work(200, &theirs);
    free(block);
    if (started != MEMSCOPE_OK || memscope_session_end(session, &data) != MEMSCOPE_OK)
        return 1;
    printf("same %d, plugin %llu and %llu, program %llu\n", backend == theirs, first, second,
           (unsigned long long)data.statistics.total_allocations);
    memscope_analysis_free(&data);
    return 0;
}

#endif
