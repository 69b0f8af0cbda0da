// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which records the profile has already: an insert-only hash table from a 64-bit hash of what a
// record says to its ref, so that strings and sites are written once however often a library is
// unloaded and loaded. Lock-free, any thread; slow path only.

#ifndef MS_INTERN_H
#define MS_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// FNV-1a, 64 bits (Fowler, Noll, Vo); `hash` chains several pieces, MS_HASH_START begins.
#define MS_HASH_START 0xcbf29ce484222325u
uint64_t ms_hash(uint64_t hash, const void *bytes, size_t length);

// The ref of a record with this hash for which `same(ref, what)` holds; 0 = none.
uint32_t ms_intern_find(uint64_t hash, bool (*same)(uint32_t ref, const void *what),
                        const void *what);

// Remembers it. Where memory runs out it is forgotten: the record may then be written again.
void ms_intern_add(uint64_t hash, uint32_t ref);

// A fork child begins with an empty profile.
void ms_intern_clear(void);

#endif
