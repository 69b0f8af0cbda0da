// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The status of a MemScope call. Included everywhere; anyone, any thread.

#ifndef MEMSCOPE_STATUS_H
#define MEMSCOPE_STATUS_H

typedef enum memscope_status {
#define MEMSCOPE_STATUS(number, name, text) MEMSCOPE_##name = (number),
#include "status.def"
} memscope_status;

#endif
