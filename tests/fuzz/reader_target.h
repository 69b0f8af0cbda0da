// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the fuzzer and the mutation test do with bytes: everything the command does with a file.

#ifndef MEMSCOPE_TESTS_FUZZ_READER_TARGET_H
#define MEMSCOPE_TESTS_FUZZ_READER_TARGET_H

#include <stddef.h>
#include <stdint.h>

// Reads, sums and reports. Aborts where a promise of the reader is broken.
void reader_target(const uint8_t *bytes, size_t byte_count);

#endif
