// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fibers of Boost.Context: before, while 5 of the 7 that were all made at once live, and after.

#include "put_environment.h"

#include <boost/context/fiber.hpp>

#include <vector>

namespace ctx = boost::context;

int main() {
    put_environment("before");
    {
        std::vector<ctx::fiber> fibers;
        for (int i = 0; i < 7; i++)
            fibers.emplace_back([i](ctx::fiber &&caller) {
                if (i >= 2)
                    caller = std::move(caller).resume();
                return std::move(caller);
            });
        for (ctx::fiber &fiber : fibers)
            fiber = std::move(fiber).resume();
        put_environment("while");
    }
    put_environment("after");
    return 0;
}
