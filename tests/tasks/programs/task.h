// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutine types of the programs: `task` starts when awaited, its await and its end are symmetric
// transfers; `detached` starts when somebody resumes it and destroys itself.

#ifndef TASK_H
#define TASK_H

#include "books.h"

#include <coroutine>
#include <exception>
#include <utility>

// Suspended until somebody resumes *out.
struct parked {
    std::coroutine_handle<> *out;
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> h) {
        *out = h;
    }
    void await_resume() {
    }
};

// A final suspension that goes on with the one that waits, if one does.
struct waits_no_longer {
    bool await_ready() noexcept {
        return false;
    }
    template <class promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<promise> ended) noexcept {
        auto waiting = ended.promise().waiting;
        return waiting ? waiting : std::noop_coroutine();
    }
    void await_resume() noexcept {
    }
};

struct task {
    struct promise_type {
        std::coroutine_handle<> waiting;
        std::exception_ptr failure;
        promise_type() {
        } // else an aggregate, made of the coroutine's arguments
        task get_return_object() {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        waits_no_longer final_suspend() noexcept {
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
            failure = std::current_exception();
        }
    };

    std::coroutine_handle<promise_type> handle;
    explicit task(std::coroutine_handle<promise_type> h) : handle(h) {
    }
    task(task &&other) noexcept : handle(std::exchange(other.handle, {})) {
    }
    ~task() {
        if (handle)
            handle.destroy();
    }

    bool await_ready() noexcept {
        return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
        handle.promise().waiting = h;
        return handle;
    }
    void await_resume() {
        if (handle.promise().failure)
            std::rethrow_exception(handle.promise().failure);
    }

    // From a function that is no coroutine.
    void run() {
        handle.resume();
    }
};

struct detached {
    struct promise_type {
        promise_type() {
        }
        detached get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        std::suspend_never final_suspend() noexcept {
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
            std::terminate();
        }
    };
    std::coroutine_handle<promise_type> handle;
};

#endif
