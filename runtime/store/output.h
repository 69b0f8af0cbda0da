// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a profile goes. Once a process, before its first event is counted.

#ifndef MS_OUTPUT_H
#define MS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

// Creates the profile's file: by the option `output`, else in memscope-<uid>/ of the temporary
// folder. Never over a file that exists (a number is put before the suffix), never through a
// symlink, mode 0600. The path goes to `path_out`. Returns the descriptor; -1 = none, and a message
// has said why.
int ms_output_create(char *path_out, size_t capacity);

// The profile goes on in a new file, of a path with the same patterns, and the old one is removed.
// One thread runs, under the guard. False: it stays where it is, and `why_out` says why.
bool ms_output_move(const char *pattern, char *why_out, size_t capacity);

#endif
