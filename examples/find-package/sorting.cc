// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "sorting.h"

#include <algorithm>

std::vector<std::string> *sorted(const std::vector<std::string> &words) {
    auto *result = new std::vector<std::string>(words); // 24 bytes, and what it holds
    std::sort(result->begin(), result->end());
    return result;
}
