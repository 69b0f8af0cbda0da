// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asio's coroutines on an io_context, run by one thread or by THREADS.

#include "awaited.h"

#include <asio.hpp>
#include <chrono>
#include <thread>

using Task = asio::awaitable<void>;

static Task pause_here() {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::microseconds(100));
    co_await timer.async_wait(asio::use_awaitable);
}

static Task t_inner(Awaited by) {
    t_leaf(awaited(by, "t_inner", 10));
    co_await pause_here();
    t_leaf(awaited(by, "t_inner", 11));
}

static Task t_middle(Awaited by, int turns) {
    for (int i = 0; i < turns; i++) {
        t_leaf(awaited(by, "t_middle", 20));
        co_await t_inner(awaited(by, "t_middle", 0));
        t_leaf(awaited(by, "t_middle", 21));
    }
}

static Task t_one(Awaited by) {
    co_await t_middle(awaited(by, "t_one", 0), 3);
    t_leaf(awaited(by, "t_one", 40));
    co_await t_inner(awaited(by, "t_one", 0));
}

static Task t_other(Awaited by) {
    co_await t_middle(awaited(by, "t_other", 0), 2);
    t_leaf(awaited(by, "t_other", 50));
}

static NOINLINE void t_begin(asio::io_context &context) {
    asio::co_spawn(context, t_one(spawned("t_begin")), asio::detached);
    asio::co_spawn(context, t_other(spawned("t_begin")), asio::detached);
}

static NOINLINE void t_begin_more(asio::io_context &context) {
    asio::co_spawn(context, t_other(spawned("t_begin_more")), asio::detached);
}

int main() {
    asio::io_context context;
    for (int turn = 0; turn < 4; turn++) {
        t_begin(context);
        t_begin_more(context);
    }
#ifdef THREADS
    std::thread threads[THREADS];
    for (auto &thread : threads)
        thread = std::thread([&] { context.run(); });
    for (auto &thread : threads)
        thread.join();
#else
    context.run();
#endif
    return 0;
}
