// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's life: off, starting, counting, or switched off for good; and what every slow path
// asks first. Any thread.

#ifndef MS_START_H
#define MS_START_H

#include <stdbool.h>

enum ms_life {
    MS_LIFE_NEW = 0,
    MS_LIFE_STARTING = 1,
    MS_LIFE_ON = 2,
    MS_LIFE_OFF = 3,     // no profile: everything goes straight to the program's allocator
    MS_LIFE_PARTING = 4, // a fork child that is still to begin its profile (parting.h)
};

extern unsigned ms_life; // enum ms_life; atomic. Survives fork, unlike ms_shared.

// Module descriptors that said what cannot be; atomic.
extern unsigned ms_damaged_modules;

// Starts the runtime at the first event or constructor, whichever comes first; then does nothing.
void ms_start(void);

// May events of this process be counted? Starts the runtime, or, in a fork child that hears of it
// here first, its own profile. errno is the caller's to keep.
bool ms_alive(void);

// Switches the runtime off; what was counted so far stays in the profile.
void ms_switch_off(void);

#endif
