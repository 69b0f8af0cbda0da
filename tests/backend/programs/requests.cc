// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// requests THREADS: a server of Boost.Asio on so many threads, with a session for each request, and
// one around the whole. A request's session spans what runs at the same time, too: with one thread
// that waits for nothing it is the request's alone. Prints how many sessions were right, and the
// sum.

#include <memscope/memscope.h>

#include <boost/asio.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace asio = boost::asio;

enum { REQUESTS = 300 };
static memscope_backend backend;
static std::atomic<unsigned> exact, at_least, failed;

// Request n allocates n + 1 blocks of 100 + n bytes.
static asio::awaitable<void> serve(unsigned number) {
    memscope_session session;
    memscope_analysis data;
    if (memscope_start_tracking(backend, &session) != MEMSCOPE_OK) {
        failed++;
        co_return;
    }
    for (unsigned i = 0; i <= number; i++) {
        void *volatile block = std::malloc(100 + number);
        std::free(block);
    }
    if (memscope_session_end(session, &data) != MEMSCOPE_OK) {
        failed++;
        co_return;
    }
    exact += data.statistics.total_allocations == number + 1 &&
             data.statistics.total_bytes == (number + 1) * (100ull + number);
    at_least += data.statistics.total_allocations >= number + 1 &&
                data.statistics.total_frees >= number + 1 &&
                data.environment.primary_library != nullptr;
    memscope_analysis_free(&data);
    co_await asio::post(asio::use_awaitable);
}

int main(int argc, char **argv) {
    int thread_count = argc > 1 ? std::atoi(argv[1]) : 1;
    memscope_session whole;
    memscope_analysis data;
    if (memscope_backend_initialize(nullptr, &backend) != MEMSCOPE_OK)
        return 2;
    asio::io_context context(thread_count);
    for (unsigned i = 0; i < REQUESTS; i++)
        asio::co_spawn(context, serve(i), asio::detached);
    if (memscope_start_tracking(backend, &whole) != MEMSCOPE_OK)
        return 2;
    std::vector<std::thread> threads;
    for (int i = 1; i < thread_count; i++)
        threads.emplace_back([&] { context.run(); });
    context.run();
    for (std::thread &thread : threads)
        thread.join();
    if (memscope_session_end(whole, &data) != MEMSCOPE_OK)
        return 2;
    unsigned long long least = REQUESTS * (REQUESTS + 1) / 2;
    std::printf("exact %u, at least %u, failed %u, whole %d, library %s\n", exact.load(),
                at_least.load(), failed.load(), data.statistics.total_allocations >= least,
                data.environment.primary_library ? data.environment.primary_library : "-");
    memscope_analysis_free(&data);
    return 0;
}
