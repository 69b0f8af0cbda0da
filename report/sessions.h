// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions in text: one line each of those that the program asked for, and what was forced.

#ifndef MEMSCOPE_REPORT_SESSIONS_H
#define MEMSCOPE_REPORT_SESSIONS_H

#include <profile/sessions.h>
#include <stdio.h>

memscope_status ms_put_sessions(FILE *out, const struct ms_summary *summary);
// "the strategy GlobalDirect was forced, ..." and a newline, where it was upgraded.
void ms_put_forced_strategy(FILE *out, const struct ms_summary *summary);

#endif
