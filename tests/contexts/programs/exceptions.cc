// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exceptions through thrower.cc, a library without hooks and without frame pointers: what
// destructors allocate while they pass, what is thrown again there, later, on another thread, or
// within another one, and where one ends the program.

#include "chain.h"

#include <cstdlib>
#include <exception>
#include <thread>

typedef void callback(int value);
void pass_on(callback *call, int value);                 // catches all, and throws it again
void pass_by(callback *call, int value, callback *last); // has a destructor that calls `last`
void take(callback *call, int value, callback *caught);  // noexcept: calls `caught` in its handler
void end(callback *call, int value) noexcept;            // lets it out nevertheless

enum { HEADER = 128 }; // of __cxa_allocate_exception

static NOINLINE void t_new(size_t bytes) {
    ENTERED;
    ::operator delete(TELL(::operator new(bytes), bytes));
}

struct Problem {
    char text[40];
};

struct Guard {
    size_t bytes;
    ~Guard() {
        t_new(bytes);
    }
};

static void t_throw(int value) {
    ENTERED;
    Guard guard{static_cast<size_t>(value)};
    TELL(nullptr, sizeof(Problem) + HEADER);
    throw Problem{};
}

static void t_last(int value) {
    ENTERED;
    t_new(static_cast<size_t>(value) + 1);
}

static void t_through(int value) {
    ENTERED;
    Guard guard{static_cast<size_t>(value) + 2};
    pass_by(t_throw, value, t_last);
}

static void t_twice(int value) {
    ENTERED;
    pass_on(t_through, value);
}

static void t_caught(int value) {
    ENTERED;
    t_new(static_cast<size_t>(value) + 3);
    std::exception_ptr held = std::current_exception();
    try {
        std::rethrow_exception(held);
    } catch (const Problem &) {
        t_new(static_cast<size_t>(value) + 4);
    }
}

static NOINLINE void t_left() {
    ENTERED;
    take(t_twice, 20, t_caught);
}

static NOINLINE void t_right() {
    ENTERED;
    for (int i = 0; i < 2; i++)
        try {
            pass_on(t_twice, 20);
        } catch (...) {
            t_caught(20);
        }
}

// Thrown here, caught on a thread.
static NOINLINE void t_elsewhere() {
    ENTERED;
    std::exception_ptr held;
    try {
        t_twice(50);
    } catch (...) {
        held = std::current_exception();
    }
    std::thread thread([&] {
        ENTERED_AS("t_elsewhere.lambda");
        try {
            std::rethrow_exception(held);
        } catch (const Problem &) {
            t_new(60);
        }
    });
    thread.join();
}

// Without a destructor: such would have run, though the frame is still there.
static void throws(int) {
    throw Problem{};
}

[[noreturn]] static void t_on_terminate() {
    ENTERED;
    t_new(70);
    exit(0);
}

static NOINLINE void t_end() {
    ENTERED;
    std::set_terminate(t_on_terminate);
    end(throws, 80);
}

int main() {
    ENTERED;
    for (int turn = 0; turn < 3; turn++) {
        t_left();
        t_right();
        t_elsewhere();
    }
    t_end();
    return 0;
}
