// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MS_TESTS_HIGH_REFS_H
#define MS_TESTS_HIGH_REFS_H

#include <check.h>

TCase *high_refs_case(void);
TCase *high_refs_sampled_case(void); // while samples are taken

#endif
