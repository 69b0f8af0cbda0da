// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Failing new: the exception arrives, the new handler runs, nothrow returns null, a constructor that
// throws gives its memory back; failures are counted as failures and as nothing else.

#include "truth.h"

#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>

static volatile std::size_t too_much = static_cast<std::size_t>(-1) / 4;
static int handler_calls;
static void *volatile sink;

static void handler()
{
    if (++handler_calls == 2)
        std::set_new_handler(nullptr);
}

struct Throws {
    char bytes[64];
    Throws() { throw std::runtime_error("no"); }
};

template <class Action> static bool throws_bad_alloc(Action action)
{
    try {
        sink = action();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

int main()
{
    int faults = 0;
    faults += !throws_bad_alloc([] { return ::operator new(too_much); });
    faults += !throws_bad_alloc([] { return ::operator new[](too_much); });
    faults += !throws_bad_alloc([] { return ::operator new(too_much, std::align_val_t(64)); });
    sink = ::operator new(too_much, std::nothrow);
    faults += sink != nullptr;
    sink = ::operator new[](too_much, std::align_val_t(64), std::nothrow);
    faults += sink != nullptr;
    std::set_new_handler(handler);
    faults += !throws_bad_alloc([] { return ::operator new(too_much); });
    faults += handler_calls != 2;
    try {
        sink = new Throws;
        ++faults;
    } catch (const std::runtime_error &) {
    }
    void *kept = TRUTH(std::malloc(100), 100);
    faults += kept == nullptr;
    if (faults)
        dprintf(2, "bad_alloc.cc: %d faults\n", faults);
    truth_print();
    return faults ? 3 : 0;
}
