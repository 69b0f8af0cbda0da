// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An echo server and its clients, in one process over loopback. A request is a line; the first one
// of a connection says what the session is to be: "echo" or "record".

#ifndef EXAMPLES_ECHO_H
#define EXAMPLES_ECHO_H

#include <asio.hpp>

#include <string>

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

// The next line, without its end; throws when the peer has closed.
awaitable<std::string> read_line(tcp::socket &socket, std::string &buffer);

// Accepts that many connections.
awaitable<void> listen(tcp::acceptor &acceptor, int connections);

#endif
