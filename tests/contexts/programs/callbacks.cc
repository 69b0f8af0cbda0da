// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C++: what the standard library calls back, virtual calls, templates, lambdas, exceptions, tail
// calls, destructors.

#include "chain.h"

#include <algorithm>
#include <functional>
#include <mutex>

static NOINLINE void t_new(size_t bytes) {
    ENTERED;
    ::operator delete(TELL(::operator new(bytes), bytes));
}

// ---- callbacks ---------------------------------------------------------------------------------

static bool t_less(int a, int b) {
    ENTERED;
    t_new(24);
    return a < b;
}

static NOINLINE void t_sort(int count) {
    ENTERED;
    int array[100];
    for (int i = 0; i < count; i++)
        array[i] = i * 37 % 61;
    std::sort(array, array + count, t_less);
    std::make_heap(array, array + count, t_less);
}

static NOINLINE void t_function(const std::function<void(int)> &call, int depth) {
    ENTERED;
    if (depth > 0)
        t_function(call, depth - 1);
    else
        call(3);
}

static NOINLINE void t_lambdas() {
    ENTERED;
    int base = 10;
    auto once = [&](int more) {
        ENTERED_AS("t_lambdas.lambda");
        delete[] static_cast<char *>(TELL(new char[base + more], base + more));
    };
    t_function(once, 3);
    once(1);
    std::once_flag flag;
    std::call_once(flag, once, 7);
    int array[] = {1, 2, 3};
    std::for_each(array, array + 3, once);
}

// ---- virtual calls and templates ---------------------------------------------------------------

struct Base {
    virtual ~Base() {}
    virtual void t_step(int left) = 0;
};

template <int Size> struct Node : Base {
    Base *next = nullptr;
    NOINLINE void t_step(int left) override {
        ENTERED;
        t_new(Size);
        if (left > 0)
            next->t_step(left - 1);
    }
};

template <class First, class... Rest> NOINLINE void t_variadic(First size, Rest... rest) {
    ENTERED;
    t_new(sizeof size);
    if constexpr (sizeof...(rest) > 0)
        t_variadic(rest...);
}

static NOINLINE void t_virtual() {
    ENTERED;
    Node<11> a;
    Node<22> b;
    a.next = &b;
    b.next = &a;
    Base *first = &a;
    first->t_step(9);
    t_variadic(1, 'x', 2.0, 'y');
}

// ---- exceptions --------------------------------------------------------------------------------

struct Guard {
    size_t bytes;
    NOINLINE void t_release() {
        ENTERED;
        t_new(bytes);
    }
    ~Guard() {
        t_release();
    }
};

struct Problem {
    char text[40];
};

static NOINLINE void t_throw(int left) {
    ENTERED;
    Guard guard{static_cast<size_t>(left) + 60};
    if (left > 0) {
        t_throw(left - 1);
        return;
    }
    TELL(nullptr, sizeof(Problem) + 128); // __cxa_allocate_exception, with its header
    throw Problem{};
}

static NOINLINE void t_catch(int left) {
    ENTERED;
    try {
        t_throw(left);
    } catch (const Problem &) {
        t_new(99);
        try {
            TELL(nullptr, sizeof(int) + 128);
            throw 5;
        } catch (int) {
            t_new(98);
        }
    }
}

// ---- tail calls --------------------------------------------------------------------------------

static NOINLINE int t_tail_end(size_t bytes) {
    ENTERED;
    t_new(bytes);
    return 1;
}

// Leaves its frame: its caller is t_tail_end's.
static NOINLINE int t_gone(size_t bytes) {
    __attribute__((musttail)) return t_tail_end(bytes + 1);
}

static NOINLINE int t_tail_calls() {
    ENTERED;
    int sum = 0;
    for (size_t i = 1; i < 4; i++)
        sum += t_gone(i * 100);
    return sum;
}

int main() {
    ENTERED;
    for (int turn = 0; turn < 2; turn++) {
        t_sort(17);
        t_sort(60);
        t_lambdas();
        t_virtual();
        t_catch(0);
        t_catch(4);
        t_tail_calls();
    }
    return 0;
}
