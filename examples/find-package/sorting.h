// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A shared library: sorts words.

#pragma once

#include <string>
#include <vector>

// The caller deletes the result.
std::vector<std::string> *sorted(const std::vector<std::string> &words);
