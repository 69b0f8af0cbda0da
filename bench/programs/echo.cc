// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// echo MESSAGES: a server of Boost.Asio and its 32 clients, all coroutines of one thread, over
// loopback. Each client sends its share of the messages, one after the other, and compares what
// comes back. There always is work: the thread never waits.

#include <boost/asio.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr unsigned clients = 32;

// As Boost's own example has it.
awaitable<void> session(tcp::socket socket) {
    char buffer[1024];
    for (;;) {
        boost::system::error_code error;
        size_t bytes = co_await socket.async_read_some(asio::buffer(buffer),
                                                       asio::redirect_error(use_awaitable, error));
        if (error)
            co_return; // the client is gone
        co_await asio::async_write(socket, asio::buffer(buffer, bytes), use_awaitable);
    }
}

awaitable<void> listen(tcp::acceptor &acceptor) {
    for (unsigned i = 0; i < clients; i++)
        asio::co_spawn(acceptor.get_executor(),
                       session(co_await acceptor.async_accept(use_awaitable)), asio::detached);
}

awaitable<void> client(tcp::endpoint server, unsigned number, unsigned messages,
                       unsigned &answered) {
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(server, use_awaitable);
    std::string in;
    for (unsigned i = 0; i < messages; i++) {
        std::string out =
            std::to_string(i) + " of client " + std::to_string(number) + std::string(200, '.');
        co_await asio::async_write(socket, asio::buffer(out), use_awaitable);
        in.resize(out.size());
        co_await asio::async_read(socket, asio::buffer(in), use_awaitable);
        answered += in == out;
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    unsigned messages = (unsigned)std::strtoul(argv[1], nullptr, 10) / clients, answered = 0;
    asio::io_context context(1);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    asio::co_spawn(context, listen(acceptor), asio::detached);
    for (unsigned i = 0; i < clients; i++)
        asio::co_spawn(context, client(acceptor.local_endpoint(), i, messages, answered),
                       [](std::exception_ptr error) {
                           if (error)
                               std::rethrow_exception(error);
                       });
    context.run();
    std::printf("%u messages came back\n", answered);
    return answered == messages * clients ? 0 : 1;
}
