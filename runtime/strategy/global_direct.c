// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "strategy.h"

void ms_global_direct_attach(void) {
    ms_tls.credit = 0; // nothing is alive, the peak is zero
    ms_shared.unconverted = &ms_tls;
}

// Its totals are the process's at every event: there is but the shadow to make ready.
void ms_global_direct_publish(void) {
    ms_shadow_populate((uintptr_t)ms_tls.last_block);
}
