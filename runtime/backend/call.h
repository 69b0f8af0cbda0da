// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Around each public call of backend.h: errno is kept and so is the floating-point unit's state,
// whose traps are off meanwhile; messages go to the calling thread and to the log once the call
// holds nothing any more.

#ifndef MS_CALL_H
#define MS_CALL_H

#include "base/config.h"
#include "collect/thread.h"

#include <memscope/backend.h>

struct ms_call {
    memscope_status status; // OK: go on
    int saved_errno;
    uint32_t saved_floats;
    uint32_t said_count;
    struct {
        int level; // enum memscope_log_level
        char text[192];
    } said[3]; // for the log
};

// NOT_LINKED, BUSY, OUT_OF_MEMORY, or OK: the calling thread is attached.
struct ms_call ms_call_begin(void);
memscope_status ms_call_end(struct ms_call *call);

// The call fails: `status` and words for memscope_error_message, up to a NULL. Returns the status.
memscope_status ms_call_fail(struct ms_call *call, memscope_status status, ...)
    __attribute__((sentinel));
// For the log, words up to a NULL.
void ms_call_say(struct ms_call *call, int level, const char *part, ...) __attribute__((sentinel));

// The guard and the one lock of the backend, for a few words' change of its lists. Who holds it has
// the guard, so no signal handler waits for its own thread; a fork child finds it free.
bool ms_backend_lock(void);       // false: not now (inside a hook, or switched off)
bool ms_backend_lock_again(void); // waits, in a call that has begun; false: switched off meanwhile
bool ms_call_lock(struct ms_call *call); // false: the call has failed, BUSY
void ms_backend_unlock(void);
// A fork child that goes on as its parent (entry/parting.h): whoever else held it is not here.
void ms_backend_free_lock(void);

#endif
