// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The profile's storage: one file, mapped shared at a reserved stretch of addresses and grown in
// chunks, from which records are taken and never given back. A chunk's blocks are allocated before
// it is touched, so that a full disk is an error here and not a SIGBUS in the program; from then on
// the stretch goes on in anonymous memory, which is written out at exit where that has become
// possible. Slow path only: at most seven system calls a chunk. Any thread, async-signal-safe.

#ifndef MS_ARENA_H
#define MS_ARENA_H

#include "base/shared.h"

// Maps a new profile into `fd` (which the arena keeps, and closes) with the header zeroed. `path`
// is where the file can be opened again should the program close our descriptor. Returns 0 or the
// errno that keeps a profile from being written at all (no address space, refs used up); the file
// is then removed again.
int ms_arena_open(int fd, const char *path, uint32_t ref_base);

// Lets go of a forebear's profile after fork. Its place keeps storage that no file hears of: a hook
// that the fork interrupted may still write there.
void ms_arena_forget(void);

// A fork child: its forebear's profile becomes a copy of this process's own, which no file hears
// of, and grows in memory. False: it could not.
bool ms_arena_copy(void);

// Takes a record of `units` units, zeroed, its type PENDING. NULL = no room: address space, memory.
// `may_grow` false: only what is mapped already (inside a signal handler that met the guard).
void *ms_arena_take(uint32_t units, bool may_grow, uint32_t *ref_out);

// The record is filled: readers may look at it.
void ms_arena_publish(void *record, enum memscope_record_type type);

// The first ref above every one of this profile, for a fork child.
uint32_t ms_arena_next_base(void);

// The profile goes on in `fd`, which the arena keeps, and its old file is removed. One thread runs.
// Returns 0 or an errno: then nothing has changed.
int ms_arena_move(int fd, const char *path);

// At exit: writes the parts that are in memory alone to the file, if it has room by now.
void ms_arena_write_out(void);

#endif
