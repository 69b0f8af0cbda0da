// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A profile under construction, read and summed up again.

#ifndef MEMSCOPE_TESTS_UNIT_SUMMED_H
#define MEMSCOPE_TESTS_UNIT_SUMMED_H

#include "builder.h"

#include <check.h>

#include <profile/profile.h>

static struct builder b;
static struct ms_profile *profile;
static struct ms_summary *summary;

static void sum_up(void) {
    char message[MS_MESSAGE_BYTES];
    memscope_status status =
        ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message);
    ck_assert_msg(status == MEMSCOPE_OK, "%s", message);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
}

static void let_go(void) {
    ms_summary_destroy(summary);
    ms_profile_close(profile);
    builder_end(&b);
}

#endif
