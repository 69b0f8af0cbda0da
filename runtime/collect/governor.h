// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keeps what tracking costs within max_overhead_percent: by less detail (level.h), and by more
// again when there is room. It looks at windows of time: what an event cost at a level it
// remembers, so that it goes back only where that will do. No helper thread: the hooks come by
// here, now and then, and one of them at a time looks.

#ifndef MS_GOVERNOR_H
#define MS_GOVERNOR_H

#include "base/shared.h"

// Nobody looks from now on, up to ms_governor_begin. False: somebody still does (the caller is in a
// signal handler, perhaps, that came in between).
bool ms_governor_stop(void);

// A profile begins, or what is configured changes. `budget_percent` 0: nothing is enforced; else
// from `level` on, with so many bytes between samples, it may go down, and up again as far as that.
void ms_governor_begin(double budget_percent, uint32_t level, uint64_t interval_bytes);

// Of an attached thread; no more than once in some thousand events.
void ms_governor_tick(void);

// Is there a budget to be kept?
bool ms_governor_has_budget(void);

#endif
