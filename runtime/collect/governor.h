// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keeps what tracking costs within max_overhead_percent: by less detail (level.h), and by more
// again when it can. Looked at from the hooks, now and then, by one thread at a time.

#ifndef MS_GOVERNOR_H
#define MS_GOVERNOR_H

#include "base/shared.h"

// One allocation in MS_TICK comes by here, with nothing of its thread special.
void ms_governor_tick(void);

#endif
