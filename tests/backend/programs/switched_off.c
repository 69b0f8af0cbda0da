// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread begins and ends sessions while another loads a module of another version of MemScope,
// which switches the runtime off. Prints why the first could not go on; that it ends at all
// is the point.

#include <memscope/abi.h>
#include <memscope/memscope.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static memscope_backend backend;
static _Atomic int sessions;

static void *measure(void *nothing) {
    memscope_session session;
    struct memscope_analysis data;
    memscope_status status = MEMSCOPE_OK;
    while (status == MEMSCOPE_OK) {
        if ((status = memscope_start_tracking(backend, &session)) != MEMSCOPE_OK)
            break;
        status = memscope_session_end(session, &data);
        if (status == MEMSCOPE_OK) {
            memscope_analysis_free(&data);
            sessions++;
        }
    }
    printf("%d %s\n", (int)status, memscope_error_message());
    return nothing;
}

int main(void) {
    void *kept[20000];
    for (int i = 0; i < 20000; i++)
        kept[i] = malloc(10);
    struct memscope_module module = {.abi_version = MEMSCOPE_ABI_VERSION + 1, .name = "other.c"};
    void (*load)(struct memscope_module *);
    void *symbol = dlsym(RTLD_DEFAULT, "__memscope_module_load");
    pthread_t thread;
    if (!symbol || memscope_backend_initialize(NULL, &backend) != MEMSCOPE_OK)
        return 1;
    memcpy(&load, &symbol, sizeof load);
    pthread_create(&thread, NULL, measure, NULL);
    while (sessions < 10)
        usleep(100);
    load(&module);
    pthread_join(thread, NULL);
    for (int i = 0; i < 20000; i++)
        free(kept[i]);
    return 0;
}
