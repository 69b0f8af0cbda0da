// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "governor.h"

void ms_governor_tick(void) {
}
