// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables that are mapped when they are first needed: of pointers, and of a word of 8 bytes for each
// 32 bytes of addresses. Any thread, signal handlers too; what is mapped stays.

#ifndef MS_GRANULE_WORDS_H
#define MS_GRANULE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A table of zeros, mapped by whoever needs it first; `place_of_table` is the address of the
// pointer to it. NULL = no memory.
void *ms_table_once(void *place_of_table, size_t bytes);

// The word of an address; `place_of_leaves` is the address of the first level, which begins as
// NULL. NULL = not mapped, or where that may be done now, no memory.
uint64_t *ms_granule_word(uint64_t ***place_of_leaves, uintptr_t address, bool may_map);

#endif
