// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "shapes.h"

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Guard {
    shape_call last;
    explicit Guard(shape_call call) : last(call) {
    }
    virtual ~Guard() {
        last();
    }
};

__attribute__((noinline)) void throw_through(int depth, shape_call last) {
    Guard guard(last);
    std::string text(100, 'x');
    if (depth == 0)
        throw std::runtime_error(text);
    throw_through(depth - 1, last);
}

} // namespace

void shape_cxx(shape_call last) {
    std::vector<int> numbers{4, 8, 1, 9, 3, 2, 7};
    std::sort(numbers.begin(), numbers.end(), [last](int a, int b) {
        last();
        return a < b;
    });
    std::map<int, std::function<void(const std::string &)>> functions;
    functions[1] = [last, &functions](const std::string &) { last(); };
    functions[0] = [&functions](const std::string &text) { functions[1](text + "y"); };
    functions[0]("x");
    try {
        throw_through(3, last);
    } catch (const std::exception &) {
        last();
    }
    std::thread([last, &numbers] {
        std::for_each(numbers.begin(), numbers.end(), [last](int) { last(); });
    }).join();
}
