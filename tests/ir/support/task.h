// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutine types of the cases: a lazy task whose end and await are symmetric transfers, and a task
// that starts at once and stays when it is over.

#ifndef TASK_H
#define TASK_H

#include <coroutine>
#include <exception>
#include <utility>

struct Task {
    struct promise_type {
        std::coroutine_handle<> waiting;
        std::exception_ptr failure;
        int value = 0;
        promise_type() {} // else an aggregate, made of the coroutine's arguments
        Task get_return_object() {
            return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                auto waiting = h.promise().waiting;
                return waiting ? waiting : std::noop_coroutine();
            }
            void await_resume() noexcept {}
        };
        Final final_suspend() noexcept { return {}; }
        void return_value(int v) { value = v; }
        void unhandled_exception() { failure = std::current_exception(); }
    };

    std::coroutine_handle<promise_type> handle;
    explicit Task(std::coroutine_handle<promise_type> h) : handle(h) {}
    Task(Task &&other) noexcept : handle(std::exchange(other.handle, {})) {}
    ~Task() {
        if (handle)
            handle.destroy();
    }

    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
        handle.promise().waiting = h;
        return handle;
    }
    int await_resume() {
        if (handle.promise().failure)
            std::rethrow_exception(handle.promise().failure);
        return handle.promise().value;
    }

    // From a function that is no coroutine.
    int run() {
        handle.resume();
        return await_resume();
    }
};

struct Eager {
    struct promise_type {
        promise_type() {}
        Eager get_return_object() {
            return Eager{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int v) noexcept {
            value = v;
            return {};
        }
        void return_void() {}
        void unhandled_exception() { throw; }
        int value = 0;
    };
    std::coroutine_handle<promise_type> handle;
};

#endif
