// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What programs and libraries say of their wrappers (the section `.memscope` that the compiler
// plugin writes), and the names that everybody's wrappers have. For the files of profile/ alone.

#ifndef MEMSCOPE_PROFILE_WRAPPERS_H
#define MEMSCOPE_PROFILE_WRAPPERS_H

#include "symbols.h"

// A call of a wrapper.
struct ms_wrapper_call {
    const char *function, *file; // whole path
    uint32_t line, column;
    const char *type, *variable; // NULL = unknown
    uint32_t type_bytes;         // 0 = unknown
};

struct ms_wrappers;

// Reads what the modules of the summary say whose file was found (ms_symbols_ask). To be freed;
// NULL = out of memory. What it returns is of the summary's symbols.
struct ms_wrappers *ms_wrappers_read(const struct ms_summary *summary);
void ms_wrappers_free(struct ms_wrappers *wrappers);

// Whether the function passes on what its call at that place allocates.
bool ms_wrappers_has(const struct ms_wrappers *wrappers, const struct ms_frame *frame);
// What the call at that place allocates; NULL = unknown, or several calls there differ.
const struct ms_wrapper_call *ms_wrappers_call(const struct ms_wrappers *wrappers,
                                               const struct ms_frame *frame);

// Whether it is a function of the standard library, by its name or file.
bool ms_is_library_frame(const struct ms_frame *frame);

#endif
