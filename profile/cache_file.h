// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file beside a profile that keeps what was asked for, so that the next report asks for nothing.
// Its first 8 bytes tell whose it is. Used by profile/ and source/.

#ifndef MEMSCOPE_PROFILE_CACHE_FILE_H
#define MEMSCOPE_PROFILE_CACHE_FILE_H

#include "profile.h"

#define MS_CACHE_MAGIC_BYTES 8

// PROFILE + suffix, to be freed. NULL = the profile is no file, or no memory.
char *ms_cache_path(const struct ms_profile *profile, const char *suffix);
// The whole file, to be freed; NULL = it is not there, no regular file of ours, or of more than
// `most` bytes.
void *ms_cache_read(const char *path, size_t most, size_t *bytes_out);
// Whether the profile is ours, and nothing or such a cache stands at the path: somebody else's file
// is left alone.
bool ms_cache_may_write(const struct ms_profile *profile, const char *path, const char *magic);
// Head and content, aside first, then in place: nobody sees half of it. A folder that cannot be
// written is no failure: false.
bool ms_cache_write(const char *path, const void *head, size_t head_bytes, const void *content,
                    size_t content_bytes);

#endif
