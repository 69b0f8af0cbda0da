// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the profile of this process says, added up from its cells: the runtime's tests compare it
// with the truth.

#ifndef MS_TESTS_SUMS_H
#define MS_TESTS_SUMS_H

#include <memscope/abi.h>
#include <memscope/profile_format.h>

#include <stdint.h>

struct sums {
    uint64_t allocations, bytes, frees, freed_bytes, temporary, peak_bytes, at_peak_bytes;
};

// A place of the tests: its line is its name.
#define SITE(id_line)                                                                              \
    {.id = MEMSCOPE_SITE_UNREGISTERED,                                                             \
     .kind = MEMSCOPE_KIND_MALLOC,                                                                 \
     .line = (id_line),                                                                            \
     .function = "test",                                                                           \
     .file = __FILE__}

// The record that begins at this unit of the profile.
const struct memscope_record *record_at(uint64_t unit);

// Of one site's cells (NULL = of all).
struct sums sum(const struct memscope_site *site);

#endif
