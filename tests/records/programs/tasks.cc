// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutine number i of 20 allocates 1000 + i bytes and 2000 + i bytes, frees the latter and waits.
// The first ten are never resumed; the others go on, free the former and end. 3000 + i bytes are the
// thread's own.

#include <coroutine>
#include <cstdlib>

struct work {
    struct promise_type {
        work get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() noexcept {
            return {};
        }
        std::suspend_never final_suspend() noexcept {
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
        }
    };
    std::coroutine_handle<promise_type> handle;
};

static work allocating(std::size_t i) {
    void *volatile kept = std::malloc(1000 + i);
    void *volatile brief = std::malloc(2000 + i);
    std::free(brief);
    co_await std::suspend_always();
    std::free(kept);
}

int main() {
    const std::size_t count = 20;
    std::coroutine_handle<> handles[count];
    for (std::size_t i = 0; i < count; i++) {
        handles[i] = allocating(i).handle;
        void *volatile own = std::malloc(3000 + i);
        if (i % 2)
            std::free(own);
    }
    for (std::size_t i = count / 2; i < count; i++)
        handles[i].resume();
    return 0;
}
