// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "truths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *truths_allocate(size_t bytes) {
    static void *(*volatile allocate)(size_t) = malloc;
    return allocate(bytes);
}

void truths_free(void *block) {
    static void (*volatile give_back)(void *) = free;
    give_back(block);
}

void truths_allocate_many(void **blocks, size_t count, size_t bytes) {
    for (size_t i = 0; i < count; i++)
        blocks[i] = truths_allocate(bytes + i);
}

void truths_free_many(void **blocks, size_t count) {
    for (size_t i = 0; i < count; i++)
        truths_free(blocks[i]);
}

uint64_t truths_bytes(size_t count, size_t bytes) {
    return (uint64_t)count * bytes + (uint64_t)count * (count - 1) / 2;
}

void truths_with_options(const char *more) {
    static const char again[] = "TRUTHS_ANEW";
    const char *given = getenv("MEMSCOPE_OPTIONS");
    char options[4096];
    if (getenv(again))
        return;
    (void)snprintf(options, sizeof options, "%s:%s", given ? given : "", more);
    (void)setenv("MEMSCOPE_OPTIONS", options, 1);
    (void)setenv(again, "1", 1);
    (void)execl("/proc/self/exe", program_invocation_name, (char *)NULL);
    ck_abort_msg("cannot be started anew");
}

memscope_backend truths_backend(void) {
    memscope_backend backend = 0;
    memscope_status status = memscope_backend_initialize(NULL, &backend);
    ck_assert_msg(status == MEMSCOPE_OK, "%s", memscope_error_message());
    return backend;
}

struct truths_read truths_read(const struct memscope_analysis *data) {
    struct truths_read read;
    const char *problem = reading_read(data->raw_data, data->raw_size, &read);
    ck_assert_msg(problem == NULL, "%s", problem);
    return read;
}

void truths_add(Suite *suite, const char *name, const TTest *test) {
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 100);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

int truths_run(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int run = srunner_ntests_run(runner), failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return run == 0 || failed != 0;
}
