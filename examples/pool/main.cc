// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread pool, and coroutines that go on with whichever of its threads is free: each moves many
// times. collect() holds the rows that it has read so far; every tenth query(), which awaits it,
// forgets a block.

#include "task.h"

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

class pool {
  public:
    explicit pool(int threads) {
        for (int i = 0; i < threads; i++)
            workers.emplace_back([this] { run(); });
    }

    void join() {
        put({});
        for (std::thread &worker : workers)
            worker.join();
    }

    void put(std::coroutine_handle<> job) {
        std::lock_guard lock(mutex);
        ready.push_back(job);
        wake.notify_one();
    }

  private:
    void run() {
        for (;;) {
            std::unique_lock lock(mutex);
            wake.wait(lock, [this] { return !ready.empty(); });
            std::coroutine_handle<> job = ready.front();
            if (!job) { // the end, for all: it stays
                wake.notify_one();
                return;
            }
            ready.pop_front();
            lock.unlock();
            job.resume();
        }
    }

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::coroutine_handle<>> ready;
    std::vector<std::thread> workers;
};

// co_await on it: goes on with a thread of the pool.
struct turn {
    pool &workers;
    bool await_ready() noexcept {
        return false;
    }
    void await_suspend(std::coroutine_handle<> job) {
        workers.put(job);
    }
    void await_resume() noexcept {
    }
};

static task collect(pool &workers, int rows) {
    std::vector<char *> read;
    for (int i = 0; i < rows; i++) {
        read.push_back(new char[1000]);
        co_await turn{workers};
    }
    for (char *row : read)
        delete[] row;
}

static detached query(pool &workers, int number, std::latch &left) {
    static char *volatile forgotten;
    co_await turn{workers};
    co_await collect(workers, 50);
    if (number % 10 == 0)
        forgotten = new char[64];
    left.count_down();
}

int main() {
    const int queries = 200;
    std::latch left(queries);
    pool workers(3);
    for (int i = 0; i < queries; i++)
        query(workers, i, left);
    left.wait();
    workers.join();
    std::printf("%d queries\n", queries);
    return 0;
}
