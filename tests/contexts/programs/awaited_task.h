// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What coroutines of the programs are awaited by: each knows who waits for it, and goes on with
// that at its end by symmetric transfer. Frames come from an arena, so that they are no
// allocations.

#ifndef MS_TESTS_AWAITED_TASK_H
#define MS_TESTS_AWAITED_TASK_H

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

alignas(16) inline char arena[1 << 20];
inline std::atomic<size_t> arena_used;

struct InArena {
    void *operator new(size_t bytes) {
        return arena + arena_used.fetch_add((bytes + 15) / 16 * 16);
    }
    void operator delete(void *) {
    }
};

struct ResumesAwaiter {
    bool await_ready() noexcept {
        return false;
    }
    template <typename P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
        return self.promise().awaiter;
    }
    void await_resume() noexcept {
    }
};

struct AwaitedPromise : InArena {
    std::coroutine_handle<> awaiter = std::noop_coroutine();
    std::exception_ptr problem;
    std::suspend_always initial_suspend() {
        return {};
    }
    ResumesAwaiter final_suspend() noexcept {
        return {};
    }
    void return_void() {
    }
    void unhandled_exception() {
        problem = std::current_exception();
    }
};

// Begins when it is awaited, once, and is destroyed by that; what it threw goes on there.
struct Task {
    struct promise_type : AwaitedPromise {
        Task get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
    };
    std::coroutine_handle<promise_type> self;
    bool await_ready() {
        return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) {
        self.promise().awaiter = awaiter;
        return self;
    }
    void await_resume() {
        std::exception_ptr problem = std::exchange(self.promise().problem, nullptr);
        self.destroy();
        if (problem)
            std::rethrow_exception(problem);
    }
};

#endif
