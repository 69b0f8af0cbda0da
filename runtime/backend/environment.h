// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kind of program this is: by module descriptors, by the threads, tasks and libraries that are
// there. Any thread; takes no lock.

#ifndef MS_ENVIRONMENT_H
#define MS_ENVIRONMENT_H

#include <memscope/backend.h>

// False: a module descriptor was damaged.
bool ms_environment_detect(struct memscope_environment *environment_out);

#endif
