// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "strategy.h"

void ms_global_direct_attach(void) {
    ms_tls.credit = 0; // nothing is alive, the peak is zero
    ms_shared.unconverted = &ms_tls;
}
