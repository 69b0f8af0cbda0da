// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// echo THREADS: a server of Boost.Asio and its clients over loopback, all coroutines; every
// connection has a timer beside it, every third client is cancelled. It ends with no task alive.

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

enum { CLIENTS = 60, MESSAGES = 40 };
static std::atomic<int> echoed, left;

static awaitable<void> session(tcp::socket socket) {
    try {
        for (;;) {
            std::vector<char> buffer(512);
            size_t count = co_await socket.async_read_some(asio::buffer(buffer), use_awaitable);
            co_await asio::async_write(socket, asio::buffer(buffer, count), use_awaitable);
        }
    } catch (const std::exception &) { // the client is gone
    }
}

static awaitable<void> listener(tcp::acceptor &acceptor) {
    auto executor = co_await asio::this_coro::executor;
    try {
        for (;;) {
            tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
            co_spawn(asio::make_strand(executor), session(std::move(socket)), asio::detached);
        }
    } catch (const std::exception &) { // closed
    }
}

static awaitable<int> exchange(tcp::socket &socket, int number) {
    std::vector<char> out(100 + number), in(out.size());
    co_await asio::async_write(socket, asio::buffer(out), use_awaitable);
    co_await asio::async_read(socket, asio::buffer(in), use_awaitable);
    co_return in == out;
}

static awaitable<void> forever() {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(std::chrono::hours(1));
    co_await timer.async_wait(use_awaitable);
}

static awaitable<void> exchanges(tcp::endpoint server, int number) {
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(server, use_awaitable);
    for (int i = 0; i < MESSAGES; i++)
        echoed += co_await exchange(socket, number);
}

static awaitable<void> client(tcp::endpoint server, tcp::acceptor &acceptor, int number) {
    if (number % 3 == 0)
        co_await (exchanges(server, number) || forever());
    else
        co_await exchanges(server, number);
    if (--left == 0)
        acceptor.close();
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    asio::io_context context(threads);
    tcp::acceptor acceptor(asio::make_strand(context), {asio::ip::address_v4::loopback(), 0});
    tcp::endpoint server = acceptor.local_endpoint();
    left = CLIENTS;
    co_spawn(acceptor.get_executor(), listener(acceptor), asio::detached);
    for (int i = 0; i < CLIENTS; i++)
        co_spawn(acceptor.get_executor(), client(server, acceptor, i), asio::detached);
    std::vector<std::thread> others;
    for (int i = 1; i < threads; i++)
        others.emplace_back([&] { context.run(); });
    context.run();
    for (auto &thread : others)
        thread.join();
    printf("%d\n", echoed.load());
    return echoed == CLIENTS * MESSAGES ? 0 : 1;
}
