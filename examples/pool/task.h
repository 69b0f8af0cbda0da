// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two coroutine types, written by hand.

#ifndef EXAMPLES_POOL_TASK_H
#define EXAMPLES_POOL_TASK_H

#include <coroutine>
#include <exception>
#include <utility>

// Starts when awaited; its awaiter goes on at its end.
class task {
  public:
    struct promise_type {
        std::coroutine_handle<> awaiter;

        struct back {
            bool await_ready() noexcept {
                return false;
            }
            std::coroutine_handle<>
            await_suspend(std::coroutine_handle<promise_type> done) noexcept {
                return done.promise().awaiter;
            }
            void await_resume() noexcept {
            }
        };

        task get_return_object() {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        back final_suspend() noexcept {
            return {};
        }
        void return_void() noexcept {
        }
        void unhandled_exception() {
            std::terminate();
        }
    };

    task(task &&other) noexcept : frame(std::exchange(other.frame, {})) {
    }
    ~task() {
        if (frame)
            frame.destroy();
    }
    bool await_ready() noexcept {
        return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> by) noexcept {
        frame.promise().awaiter = by;
        return frame;
    }
    void await_resume() noexcept {
    }

  private:
    explicit task(std::coroutine_handle<promise_type> handle) : frame(handle) {
    }
    std::coroutine_handle<promise_type> frame;
};

// Starts at once, and nobody waits for it.
struct detached {
    struct promise_type {
        detached get_return_object() noexcept {
            return {};
        }
        std::suspend_never initial_suspend() noexcept {
            return {};
        }
        std::suspend_never final_suspend() noexcept {
            return {};
        }
        void return_void() noexcept {
        }
        void unhandled_exception() {
            std::terminate();
        }
    };
};

#endif
