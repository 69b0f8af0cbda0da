// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Boost.Asio: awaitable, co_spawn, timers, a strand, exceptions and cancellation, on two threads.
//
// MAJORS: 19 22
// RUN: %cxx -std=c++20 -O2 -pthread %s %witness -o %t && timeout 60 %t | %check

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <atomic>
#include <thread>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

std::atomic<int> sum;
asio::awaitable<int> leaf(int n) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(std::chrono::microseconds(n % 7));
    co_await timer.async_wait(asio::use_awaitable);
    if (n % 5 == 0)
        throw std::runtime_error("five");
    co_return n;
}
asio::awaitable<void> work(int n) {
    try {
        int value = co_await leaf(n);
        value += co_await leaf(n + 1);
        sum += value;
    } catch (std::exception const &) {
        sum += 1;
    }
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}
asio::awaitable<void> forever() {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(1h);
    co_await timer.async_wait(asio::use_awaitable);
}
asio::awaitable<void> root() {
    co_await (forever() || work(1));
    co_await (work(2) && work(3));
}
// CHECK: tasks begun=[[BEGUN:[0-9]+]] ended=[[BEGUN]] alive=0
// CHECK: violations=0
int main() {
    int left = 0;
    {
        asio::io_context context(2);
        asio::co_spawn(context, root(), asio::detached);
        for (int i = 0; i < 300; i++)
            asio::co_spawn(asio::make_strand(context), work(i), asio::detached);
        std::thread other([&] { context.run(); });
        context.run();
        other.join();
        left = sum == 0;
        // Not run any more: destroyed with the context.
        for (int i = 0; i < 5; i++)
            asio::co_spawn(context, forever(), asio::detached);
        context.restart();
        context.poll();
    }
    return left;
}
