// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MS_TESTS_STRESS_H
#define MS_TESTS_STRESS_H

#include <check.h>

TCase *stress_case(void);

#endif
