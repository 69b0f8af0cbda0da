// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategies and environments by number (strategies.def). C11 and C++; anyone, any thread.

#ifndef MEMSCOPE_STRATEGY_H
#define MEMSCOPE_STRATEGY_H

enum memscope_strategy {
    MEMSCOPE_STRATEGY_NONE = -1, // none is forced
#define MEMSCOPE_STRATEGY(number, name, text, option, environment, environment_text)               \
    MEMSCOPE_STRATEGY_##name = (number),
#include "strategies.def"
};

enum memscope_environment_kind {
#define MEMSCOPE_STRATEGY(number, name, text, option, environment, environment_text)               \
    MEMSCOPE_ENVIRONMENT_##environment = (number),
#include "strategies.def"
};

#endif
