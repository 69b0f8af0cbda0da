// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// echo [THREADS [CLIENTS [REQUESTS]]]

#include "echo.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// Sends that many requests and checks the answers.
static awaitable<void> client(tcp::endpoint server, int number, int requests) {
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(server, use_awaitable);
    std::string buffer;
    std::string first = number % 8 == 0 ? "record\n" : "echo\n";
    co_await asio::async_write(socket, asio::buffer(first), use_awaitable);
    for (int i = 0; i < requests; i++) {
        std::string request = "request " + std::to_string(i) + " of client " +
                              std::to_string(number) + std::string(200, '.') + '\n';
        co_await asio::async_write(socket, asio::buffer(request), use_awaitable);
        if (co_await read_line(socket, buffer) + '\n' != request)
            throw std::runtime_error("another answer than the request");
    }
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? std::atoi(argv[1]) : 2;
    int clients = argc > 2 ? std::atoi(argv[2]) : 64;
    int requests = argc > 3 ? std::atoi(argv[3]) : 500;

    asio::io_context context(threads);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    std::atomic<int> failed = 0;
    asio::co_spawn(context, listen(acceptor, clients), asio::detached);
    for (int i = 0; i < clients; i++)
        asio::co_spawn(context, client(acceptor.local_endpoint(), i, requests),
                       [&failed](std::exception_ptr error) { failed += error != nullptr; });

    std::vector<std::thread> workers;
    for (int i = 1; i < threads; i++)
        workers.emplace_back([&context] { context.run(); });
    context.run();
    for (std::thread &worker : workers)
        worker.join();
    std::printf("%d clients, %d requests each, %d failed\n", clients, requests, failed.load());
    return failed != 0;
}
