// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads as C++ starts them, each function of them reached in several ways: std::thread, jthread,
// async of both policies, packaged tasks in a pool, call_once, destructors of thread-local objects.

#include "chain.h"

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

static NOINLINE void t_new(size_t bytes) {
    ENTERED;
    ::operator delete(TELL(::operator new(bytes), bytes));
}

struct Farewell {
    int bytes = 0;
    ~Farewell() {
        t_say();
    }
    NOINLINE void t_say() {
        ENTERED;
        t_new(static_cast<size_t>(bytes));
    }
};
static thread_local Farewell farewell;

static NOINLINE int t_work(int bytes) {
    ENTERED;
    farewell.bytes = bytes + 1;
    t_new(static_cast<size_t>(bytes));
    return bytes;
}

struct Worker {
    NOINLINE int t_method(int bytes) {
        ENTERED;
        return t_work(bytes);
    }
};

static NOINLINE void t_plain() {
    ENTERED;
    Worker worker;
    std::thread one(t_work, 10), two(&Worker::t_method, &worker, 20),
        three(
            [](int bytes) {
                ENTERED_AS("t_plain.lambda");
                t_work(bytes);
            },
            30);
    one.join();
    two.join();
    three.join();
}

static NOINLINE void t_joining() {
    ENTERED;
    std::jthread one([](std::stop_token stop) {
        ENTERED_AS("t_joining.lambda");
        while (!stop.stop_requested())
            std::this_thread::yield();
        t_work(40);
    });
    one.request_stop();
}

static NOINLINE void t_futures() {
    ENTERED;
    auto now = std::async(std::launch::async, t_work, 50);
    auto later = std::async(std::launch::deferred, t_work, 60);
    auto nested = std::async(std::launch::async, [] {
        ENTERED_AS("t_futures.lambda");
        return std::async(std::launch::deferred, t_work, 70).get();
    });
    if (now.get() + later.get() + nested.get() != 180)
        abort();
}

// ---- a pool ------------------------------------------------------------------------------------

static std::deque<std::function<void()>> jobs;
static std::mutex lock;
static std::condition_variable wake;
static bool closed;

static void t_serve() {
    ENTERED;
    for (;;) {
        std::function<void()> job;
        {
            std::unique_lock<std::mutex> hold(lock);
            wake.wait(hold, [] { return closed || !jobs.empty(); });
            if (jobs.empty())
                return;
            job = std::move(jobs.front());
            jobs.pop_front();
        }
        job();
    }
}

static std::once_flag once;

static void t_first(int bytes) {
    ENTERED;
    t_new(static_cast<size_t>(bytes));
}

static NOINLINE void t_pool() {
    ENTERED;
    std::vector<std::thread> workers;
    std::vector<std::future<int>> results;
    for (int i = 0; i < 3; i++)
        workers.emplace_back(t_serve);
    for (int i = 0; i < 20; i++) {
        auto job = std::make_shared<std::packaged_task<int()>>([i] {
            ENTERED_AS("t_pool.lambda");
            return t_work(80 + i % 2);
        });
        results.push_back(job->get_future());
        std::lock_guard<std::mutex> hold(lock);
        jobs.emplace_back([job] {
            ENTERED_AS("t_pool.lambda");
            (*job)();
        });
        wake.notify_one();
    }
    for (auto &result : results)
        result.get();
    {
        std::lock_guard<std::mutex> hold(lock);
        closed = true;
        wake.notify_all();
    }
    for (auto &worker : workers)
        worker.join();
    std::call_once(once, t_first, 90);
}

int main() {
    ENTERED;
    for (int turn = 0; turn < 2; turn++) {
        t_plain();
        t_joining();
        t_futures();
    }
    t_pool();
    return 0;
}
