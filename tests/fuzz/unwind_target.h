// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the fuzzer and the mutation test do with bytes taken for unwind tables: everything that the
// unwinder does with a module's.

#ifndef MEMSCOPE_TESTS_FUZZ_UNWIND_TARGET_H
#define MEMSCOPE_TESTS_FUZZ_UNWIND_TARGET_H

#include <stddef.h>
#include <stdint.h>

// `bytes` begin with .eh_frame_hdr, .eh_frame is somewhere behind. Looks up what the table tells of
// and steps from there. Aborts where a promise is broken. Returns how many FDEs it found.
size_t unwind_target(const uint8_t *bytes, size_t byte_count);

#endif
