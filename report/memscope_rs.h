// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The JSON files of memscope-rs, the Rust tool of the same name: docs/formats.md tells what stands
// in each and by which rules.

#ifndef MEMSCOPE_REPORT_MEMSCOPE_RS_H
#define MEMSCOPE_REPORT_MEMSCOPE_RS_H

#include <stdio.h>

#include <profile/profile.h>

struct ms_rs;

// What all files are made from. OK or OUT_OF_MEMORY. The summary must outlive it.
memscope_status ms_rs_create(const struct ms_summary *summary, struct ms_rs **rs_out);
void ms_rs_destroy(struct ms_rs *rs);

const char *ms_rs_file_name(size_t index); // NULL past the last
// OK or OUT_OF_MEMORY.
memscope_status ms_put_rs_file(const struct ms_rs *rs, size_t index, FILE *out);

// The older file of its backend, by strategy.
memscope_status ms_put_rs_strategy(const struct ms_rs *rs, FILE *out);

#endif
