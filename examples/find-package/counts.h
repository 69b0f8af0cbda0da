// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts how often each byte occurs in a text. C, so that both languages are seen.

#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct counts {
    size_t of[256];
};

// The caller frees the result; NULL where memory is out.
struct counts *counts_of(const char *text);

#ifdef __cplusplus
}
#endif
