// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A coroutine type for test programs that only need to have one. Where a claim is about what a
// type is like, the program has it written out.

#ifndef MS_TESTS_COROUTINES_H
#define MS_TESTS_COROUTINES_H

#include <coroutine>
#include <exception>

// What the coroutine does: waits at its start, and at its end to be destroyed.
struct held_promise {
    std::suspend_always initial_suspend() noexcept {
        return {};
    }
    std::suspend_always final_suspend() noexcept {
        return {};
    }
    void return_void() {
    }
    void unhandled_exception() {
        std::terminate();
    }
};

struct heap_frames {};

// Who has the handle resumes and destroys it. Frames come from the operators new and delete of
// `frames`, if it has any.
template <class frames = heap_frames> struct held {
    struct promise_type : held_promise, frames {
        promise_type() {
        } // else an aggregate, made of the coroutine's arguments
        held get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
    };
    std::coroutine_handle<promise_type> handle;
};

#endif
