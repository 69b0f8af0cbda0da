// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the profile says about its process, and how its end is told.

#ifndef MS_PROCESS_H
#define MS_PROCESS_H

#include <memscope/profile_format.h>

// Pid, times, command line, executable. Slow path, once a profile.
void ms_process_describe(struct memscope_profile_header *header);

// Arranges that exit() writes its code into the profile, and thread ends are noticed.
void ms_process_watch_end(void);

// Arranges that the end of a thread that runs now is noticed (threads.c).
void ms_thread_watch_end(void);

#endif
