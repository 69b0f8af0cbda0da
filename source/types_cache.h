// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FILE.types beside a profile: what the source told of its sites, so that the next report parses
// nothing. JSON behind a line that tells whose it is. An answer was found in sources that are those
// of the build, so it holds for that build, whatever becomes of them.

#ifndef MEMSCOPE_SOURCE_TYPES_CACHE_H
#define MEMSCOPE_SOURCE_TYPES_CACHE_H

#include <jansson.h>

#include <profile/profile.h>

#include "unit.h"

struct ms_kept_type {
    const char *type, *variable, *why; // NULL = none
    uint64_t type_bytes;
    uint64_t commands; // hash of how it was compiled
};

struct ms_types_cache; // NULL is one that holds nothing and keeps nothing

struct ms_types_cache *ms_types_cache_open(const struct ms_profile *profile);
size_t ms_types_cache_count(const struct ms_types_cache *cache);
// Of the build and the call; false = it is not there.
bool ms_types_cache_find(const struct ms_types_cache *cache, const char *build,
                         const struct ms_wanted *place, struct ms_kept_type *kept_out);
void ms_types_cache_put(struct ms_types_cache *cache, const char *build,
                        const struct ms_wanted *place, const struct ms_kept_type *kept);
// Writes it if anything was put, the profile is ours, and its folder can be written. False = it
// could not be written.
bool ms_types_cache_close(struct ms_types_cache *cache);

#endif
