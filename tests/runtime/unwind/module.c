// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library that is loaded by dlopen, and unloaded.

#include "shapes.h"

static int calls;

__attribute__((visibility("default"))) void module_call(shape_call last) {
    last();
    calls++;
}
