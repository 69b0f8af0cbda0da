// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cc -O2 -g -S -emit-llvm %s -o %t.1.ll
// RUN: ln -s %plugin %t.link.so && %cc -fpass-plugin=%plugin -fpass-plugin=%t.link.so -O2 -g -S -emit-llvm %s -o %t.2.ll
// RUN: cmp %t.1.ll %t.2.ll
// RUN: test $(grep -c "call.*@__memscope_malloc" %t.2.ll) = 1

#include <stdlib.h>

void *allocate(void) {
    return malloc(1);
}
