// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MemScope's public header, C11 and C++. What it declares links with and without the runtime.

#ifndef MEMSCOPE_MEMSCOPE_H
#define MEMSCOPE_MEMSCOPE_H

#include "backend.h"
#include "status.h"
#include "tasks.h"

#define MEMSCOPE_VERSION_MAJOR 0
#define MEMSCOPE_VERSION_MINOR 1
#define MEMSCOPE_VERSION_PATCH 0
#define MEMSCOPE_VERSION_STRING "0.1.0"

#endif
