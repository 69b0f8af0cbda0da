// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "shapes.h"

static int *volatile nowhere;

void shape_fault(void) {
    *nowhere = 1;
}
