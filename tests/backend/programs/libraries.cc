// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutines of many libraries, by the names of their promises, fibers and tasks by hand, all in
// one program: what the environment says of them.

#include "coroutines.h"
#include "put_environment.h"

#include <cstdlib>
#include <ucontext.h>

// What all of these share; a library's own promise only has another name.
template <class Self> struct promise_of : held_promise {
    auto get_return_object() {
        return std::coroutine_handle<Self>::from_promise(static_cast<Self &>(*this));
    }
};

#define LIBRARY(space, name)                                                                       \
    namespace space {                                                                              \
    template <class T> struct name {                                                               \
        struct promise_type : promise_of<promise_type> {};                                         \
        name(std::coroutine_handle<promise_type> coroutine) : handle(coroutine) {                  \
        }                                                                                          \
        std::coroutine_handle<promise_type> handle;                                                \
    };                                                                                             \
    }

LIBRARY(boost::asio, awaitable)
LIBRARY(asio, awaitable)
LIBRARY(boost::cobalt, task)
LIBRARY(cppcoro, task)
LIBRARY(coro, task)
LIBRARY(folly::coro, Task)
LIBRARY(exec, task)
LIBRARY(std, generator) // as of C++23
LIBRARY(mine, task)

template <class Task> static Task nothing() {
    co_return;
}

// Begins `count` and ends all but one.
template <class Task> static void run(int count) {
    for (int i = 0; i < count; i++) {
        Task task = nothing<Task>();
        task.handle.resume();
        if (i > 0)
            task.handle.destroy();
    }
}

static ucontext_t main_context, fiber_context;

static void in_fiber() {
    swapcontext(&fiber_context, &main_context);
}

static void run_fibers(int count) {
    for (int i = 0; i < count; i++) {
        void *stack = std::malloc(65536);
        getcontext(&fiber_context);
        fiber_context.uc_stack.ss_sp = stack;
        fiber_context.uc_stack.ss_size = 65536;
        fiber_context.uc_link = &main_context;
        makecontext(&fiber_context, in_fiber, 0);
        swapcontext(&main_context, &fiber_context);
        swapcontext(&main_context, &fiber_context);
        std::free(stack);
    }
}

int main() {
    put_environment("before");
    run<boost::asio::awaitable<int>>(3);
    put_environment("first");
    run<asio::awaitable<int>>(4);
    run<boost::cobalt::task<int>>(5);
    run<cppcoro::task<int>>(16);
    run<coro::task<int>>(7);
    run<folly::coro::Task<int>>(8);
    run<exec::task<int>>(9);
    run<std::generator<int>>(10);
    run<mine::task<int>>(11);
    run_fibers(12);
    for (int i = 0; i < 13; i++) {
        memscope_task task = memscope_task_begin("by hand");
        memscope_task_end(task);
    }
    put_environment("all");
    run_fibers(20); // 32: more than any
    put_environment("fibers");
    return 0;
}
