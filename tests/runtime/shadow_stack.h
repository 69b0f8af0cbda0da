// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef SHADOW_STACK_H
#define SHADOW_STACK_H

#include <check.h>

// What hooks in line find on the shadow stack (abi.h). The second kind starts threads and forks.
void add_shadow_stack_tests(TCase *cases);
void add_shadow_stack_thread_tests(TCase *cases);

#endif
