// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "echo.h"

#include <atomic>
#include <vector>

namespace {

// Who has ever connected. Nothing is ever taken out: this is the leak.
struct Visit {
    Visit *before;
    char peer[40];
};
std::atomic<Visit *> visits;

void note_visit(const tcp::socket &socket) {
    auto *visit = new Visit{visits.load(), {}};
    socket.remote_endpoint().address().to_string().copy(visit->peer, sizeof visit->peer - 1);
    while (!visits.compare_exchange_weak(visit->before, visit)) {
    }
}

awaitable<void> answer(tcp::socket &socket, std::string line) {
    line += '\n';
    co_await asio::async_write(socket, asio::buffer(line), use_awaitable);
}

// Gives each line back, and keeps none.
awaitable<void> echo_session(tcp::socket &socket, std::string &buffer) {
    for (;;)
        co_await answer(socket, co_await read_line(socket, buffer));
}

// Keeps all lines until the connection ends.
awaitable<void> record_session(tcp::socket &socket, std::string &buffer) {
    std::vector<std::string> record;
    for (;;) {
        std::string line = co_await read_line(socket, buffer);
        record.push_back(std::to_string(record.size()) + ": " + line);
        co_await answer(socket, line);
    }
}

awaitable<void> connection(tcp::socket socket) {
    std::string buffer;
    try {
        note_visit(socket);
        if (co_await read_line(socket, buffer) == "record")
            co_await record_session(socket, buffer);
        else
            co_await echo_session(socket, buffer);
    } catch (const std::system_error &closed) {
        if (closed.code() != asio::error::eof)
            throw;
    }
}

} // namespace

awaitable<std::string> read_line(tcp::socket &socket, std::string &buffer) {
    size_t length =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer), '\n', use_awaitable);
    std::string line = buffer.substr(0, length - 1);
    buffer.erase(0, length);
    co_return line;
}

awaitable<void> listen(tcp::acceptor &acceptor, int connections) {
    while (connections-- > 0) {
        tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
        asio::co_spawn(acceptor.get_executor(), connection(std::move(socket)), asio::detached);
    }
}
