// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the claims of one test program with Check: a test case each, so that CTest can ask for one
// by CK_RUN_CASE. A name that no claim has is a failure, not an empty success.

#ifndef MEMSCOPE_TESTS_UNIT_CLAIMS_H
#define MEMSCOPE_TESTS_UNIT_CLAIMS_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct claim {
    const char *name;
    const TTest *const *test;
};

#define CLAIM(name) {#name, &name}

static inline int run_claims(const char *area, const struct claim *claims, size_t count) {
    Suite *suite = suite_create(area);
    for (size_t i = 0; i < count; i++) {
        TCase *one = tcase_create(claims[i].name);
        tcase_set_timeout(one, 60);
        tcase_add_test(one, *claims[i].test);
        suite_add_tcase(suite, one);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int run = srunner_ntests_run(runner), failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (run == 0)
        fprintf(stderr, "%s: no claim of that name\n", area);
    return run == 0 || failed != 0;
}

#define RUN_CLAIMS(area, claims) run_claims(area, claims, sizeof(claims) / sizeof *(claims))

#endif
