// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The calls of the backend, one by one.

#include "truths.h"

#include <math.h>
#include <string.h>

START_TEST(the_default_configuration_is_as_documented) {
    struct memscope_config config = memscope_config_default();
    ck_assert(config.auto_detect);
    ck_assert_int_eq(config.force_strategy, MEMSCOPE_STRATEGY_NONE);
    ck_assert_double_eq(config.sample_rate, 1.0);
    ck_assert_double_eq(config.max_overhead_percent, 5.0);
    ck_assert_ptr_null(config.output);
    memscope_backend backend = truths_backend(), again = 0;
    ck_assert(backend != 0);
    ck_assert_int_eq(memscope_backend_initialize(&config, &again), MEMSCOPE_OK);
    ck_assert_uint_eq(again, backend);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api");
    TRUTHS_ADD(suite, the_default_configuration_is_as_documented);
    return truths_run(suite);
}
