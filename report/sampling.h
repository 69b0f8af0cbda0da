// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What reports say of estimates, of how allocations were counted, and of what that cost.

#ifndef MEMSCOPE_REPORT_SAMPLING_H
#define MEMSCOPE_REPORT_SAMPLING_H

#include "report.h"

// "1.2 MB", of estimates "~1.2 MB"; of what is no bytes "80,112", "~80,112"
const char *ms_format_amount(uint64_t value, bool is_bytes, bool is_estimated,
                             char text_out[MS_NUMBER_BYTES]);
// "±1,204 B", rounded up; its ± takes two bytes and one column
const char *ms_format_error(double error, bool is_bytes, char text_out[MS_NUMBER_BYTES]);

// The error of the amount that rows are sorted by. Of peaks that of what lived at the process's
// peak, of temporary blocks that of the calls: theirs are not known.
double ms_counts_error(const struct ms_counts *counts, enum ms_order order);
bool ms_order_is_bytes(enum ms_order order);

// One more column of a table where the profile has estimates, 11 wide and two spaces behind; else
// nothing.
void ms_put_error_heading(FILE *out, const struct ms_summary *summary, enum ms_order order);
void ms_put_error(FILE *out, const struct ms_summary *summary, const struct ms_counts *counts,
                  enum ms_order order);

// What is estimated and how well; nothing where all is exact.
void ms_put_estimates(FILE *out, const struct ms_summary *summary);
// The same for a file that holds such figures, without an end of line.
void ms_put_estimates_comment(FILE *out, const struct ms_summary *summary);
// What tracking cost, when it changed and what was given up; nothing where nothing is known.
memscope_status ms_put_tracking(FILE *out, const struct ms_summary *summary);
// All of it, for `memscope info`.
memscope_status ms_put_tracking_facts(FILE *out, const struct ms_summary *summary);

#endif
