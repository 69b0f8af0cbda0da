// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MEMSCOPE_TOOLS_SOURCE_TYPES_H
#define MEMSCOPE_TOOLS_SOURCE_TYPES_H

#include "tool.h"

#include <source/source.h>

#define MS_SOURCE_TIMEOUT_MS 20000u // of a verb that does it by the way

struct ms_source_request {
    const char *commands; // NULL = to be found
    bool is_off;
    bool all_notes;
    unsigned timeout_ms;
};

#define MS_COMMANDS_OPTION                                                                         \
    {"compile-commands", 'p', true, "PATH",                                                        \
     "compile_commands.json, or its folder, for types from the source (default: the nearest)"}

// Fills types from the source, and prints why sites have none. As ms_source_find_types; NOT_FOUND
// also where it is turned off, by the request or by an empty MEMSCOPE_LIBCLANG.
memscope_status ms_source_types(const struct ms_verb *verb, struct ms_summary *summary,
                                const struct ms_source_request *request,
                                struct ms_source_result *result_out);

#endif
