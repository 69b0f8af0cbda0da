// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// configured RATE BUDGET: a backend of that configuration, "-" = the default one. Prints what it
// was told, or what a session of 20,000 known pairs counted.

#include <memscope/memscope.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 20000, BYTES = 100 };

int main(int argc, char **argv) {
    struct memscope_config config = memscope_config_default();
    memscope_backend backend;
    memscope_session session;
    struct memscope_analysis data;
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "-") != 0)
        config.sample_rate = strtod(argv[1], NULL);
    if (strcmp(argv[2], "-") != 0)
        config.max_overhead_percent = strtod(argv[2], NULL);
    memscope_status status = memscope_backend_initialize(&config, &backend);
    if (status != MEMSCOPE_OK) {
        printf("%d %s\n", (int)status, memscope_error_message());
        return 0;
    }
    memscope_status started = memscope_start_tracking(backend, &session);
    for (int i = 0; i < PAIRS; i++) {
        void *volatile block = malloc(BYTES);
        free(block);
    }
    if (started != MEMSCOPE_OK || memscope_session_end(session, &data) != MEMSCOPE_OK)
        return 1;
    printf("%llu calls, %llu bytes, %llu frees, %llu alive\n",
           (unsigned long long)data.statistics.total_allocations,
           (unsigned long long)data.statistics.total_bytes,
           (unsigned long long)data.statistics.total_frees,
           (unsigned long long)(data.statistics.total_bytes - data.statistics.freed_bytes));
    memscope_analysis_free(&data);
    return 0;
}
