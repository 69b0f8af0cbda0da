// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program that measures itself: what do two ways to build the same list cost? Each is a session,
// both lie in a third one. A copy of the profile goes to the file that is named.

#include <memscope/memscope.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ITEMS = 1000 };

static void grow_by_one(void) {
    int *list = NULL;
    for (size_t count = 1; count <= ITEMS; count++) {
        int *grown = realloc(list, count * sizeof *list);
        if (!grown)
            break;
        list = grown;
        list[count - 1] = (int)count;
    }
    free(list);
}

static void grow_by_half(void) {
    int *list = NULL;
    size_t capacity = 0;
    for (size_t count = 1; count <= ITEMS; count++) {
        if (count > capacity) {
            capacity += capacity / 2 + 4;
            int *grown = realloc(list, capacity * sizeof *list);
            if (!grown)
                break;
            list = grown;
        }
        list[count - 1] = (int)count;
    }
    free(list);
}

static void measure(memscope_backend backend, const char *name, void (*work)(void)) {
    memscope_session session;
    struct memscope_analysis data;
    memscope_status started = memscope_start_tracking(backend, &session);
    work();
    if (started != MEMSCOPE_OK || memscope_session_end(session, &data) != MEMSCOPE_OK) {
        printf("%s: %s\n", name, memscope_error_message());
        return;
    }
    printf("%s: %llu calls, %llu bytes, %.0f bytes a call\n", name,
           (unsigned long long)data.statistics.total_allocations,
           (unsigned long long)data.statistics.total_bytes, data.statistics.avg_allocation_size);
    memscope_analysis_free(&data);
}

static void copy_to(const char *path, const struct memscope_analysis *data) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || memscope_analysis_write(data, fd) != MEMSCOPE_OK)
        printf("%s: %s\n", path, fd < 0 ? "cannot be written" : memscope_error_message());
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv) {
    memscope_backend backend = 0;
    memscope_session both = 0;
    struct memscope_analysis data;
    memscope_status status = memscope_backend_initialize(NULL, &backend);
    if (status != MEMSCOPE_OK)
        printf("not measured: %s\n", memscope_error_message());
    (void)memscope_start_tracking(backend, &both);
    measure(backend, "by one", grow_by_one);
    measure(backend, "by half", grow_by_half);
    if (memscope_session_end(both, &data) != MEMSCOPE_OK)
        return 0;
    printf("%s, %s\n", memscope_environment_name(data.session_metadata.detected_environment),
           memscope_strategy_name(data.session_metadata.strategy_used));
    if (argc > 1)
        copy_to(argv[1], &data);
    memscope_analysis_free(&data);
    return memscope_backend_shutdown(backend, NULL) != MEMSCOPE_OK;
}
