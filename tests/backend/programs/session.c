// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A session, and then what the argument says: "kill" dies in it, "thread" starts one, an absolute
// path moves the profile there first.

#include <memscope/memscope.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *idle(void *nothing) {
    return nothing;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    struct memscope_config config = memscope_config_default();
    memscope_backend backend;
    memscope_session session;
    if (what[0] == '/')
        config.output = what;
    memscope_status status = memscope_backend_initialize(&config, &backend);
    if (status != MEMSCOPE_OK) {
        fprintf(stderr, "%d %s\n", status, memscope_error_message());
        return 1;
    }
    memscope_start_tracking(backend, &session);
    void *volatile block = malloc(12345);
    if (strcmp(what, "kill") == 0)
        raise(SIGKILL);
    pthread_t thread;
    if (strcmp(what, "thread") == 0 && pthread_create(&thread, NULL, idle, NULL) == 0)
        pthread_join(thread, NULL);
    free(block);
    return memscope_session_end(session, NULL) != MEMSCOPE_OK;
}
