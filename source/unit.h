// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One translation unit, parsed in a process of its own: what libclang does with a hostile or
// endless source ends there.

#ifndef MEMSCOPE_SOURCE_UNIT_H
#define MEMSCOPE_SOURCE_UNIT_H

#include "commands.h"

#include <jansson.h>

// A call that is looked for.
struct ms_wanted {
    const char *file;      // absolute
    uint32_t line, column; // column 0 = unknown
    unsigned kind;         // of the site
};

// Asks libclang. The answer, to be released by json_decref:
//   {"calls": [{"type": "struct node", "bytes": 16, "variable": "head", "why": null}, ...],
//    "files": ["/src/a.c", "/src/a.h", ...]}      of the unit, without those of the system
// or {"error": "..."}, with "for_all": true where no other unit would fare better. NULL = no
// memory. `deadline_ns` is on CLOCK_MONOTONIC.
json_t *ms_unit_ask(const struct ms_command *command, const char *libclang,
                    const struct ms_wanted *wanted, size_t count, uint64_t deadline_ns);

// In the child: the same, without a deadline.
json_t *ms_unit_parse(const struct ms_command *command, const char *libclang,
                      const struct ms_wanted *wanted, size_t count);

#endif
