// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fork in a signal handler. Where the handler had interrupted a hook, the child finishes that hook
// when the handler returns: what it still writes must not reach the parent's profile. A fast path
// goes on in a copy that no file hears of. A slow one needs all else that it began with, too: the
// child gets it back, and is parting from its parent until that hook has ended or the child does.
// What the handler allocates and frees meanwhile is put off, to be counted once the child's own
// profile has begun; an exec, or SIGKILL, before that loses it.

#ifndef MS_PARTING_H
#define MS_PARTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// From now on a fork child lets go of its parent's profile at once.
void ms_watch_forks(void);

// Has the child to go on as its parent? Else its own profile may begin, and this is over.
bool ms_parting_goes_on(void);

// An event of a handler's; `record` of a block to be freed, else 0. False: this process is not
// parting.
bool ms_parting_put_off(void *block, uint64_t record, size_t bytes, bool is_free);

// Counts what was put off, once; in the child's own profile.
void ms_parting_make_up(void);

// The process ends: true where something was put off, which will have its profile now.
bool ms_parting_hurries(void);

#endif
