// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing what a profile says in words: strings, modules, sites. Each is written once and found
// again by its content. Refs are 0 where nothing could be written (no room). Any thread; slow path.

#ifndef MS_RECORDS_H
#define MS_RECORDS_H

#include "base/shared.h"

#include <memscope/abi.h>

uint32_t ms_record_string(const char *string); // NULL gives 0

// The loaded object that holds `address`; its load bias goes to *bias_out. 0 = none known.
uint32_t ms_record_module(const void *address, uint64_t *bias_out);

// The site of a rewritten call.
uint32_t ms_record_site(const struct memscope_site *site);

// A call that no pass rewrote, by the address it returns to; `kind` FOREIGN, or why it has no
// better site (REENTRANT, OVERFLOW: address NULL).
uint32_t ms_record_foreign_site(enum memscope_site_kind kind, const void *return_address);

// A translation unit that has sites without lines.
void ms_record_unit(const struct memscope_module *module);

#endif
