// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// coroutines TaskLocal|HybridTracking SHORT LONG PATH…: what a coroutine does, SHORT times, then
// LONG times; each of the two is a dump of its own under callgrind, named after the path, as in
// paths.cc. For HybridTracking a thread has run before.

#include <coroutine>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <valgrind/callgrind.h>

namespace {

struct Task {
    struct promise_type {
        std::coroutine_handle<> waiting = std::noop_coroutine();
        Task get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        struct Final {
            bool await_ready() noexcept {
                return false;
            }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                return h.promise().waiting;
            }
            void await_resume() noexcept {
            }
        };
        Final final_suspend() noexcept {
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
            std::abort();
        }
    };
    // co_await task: symmetric transfer, there and back.
    struct Awaiter {
        std::coroutine_handle<promise_type> handle;
        bool await_ready() {
            return false;
        }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
            handle.promise().waiting = waiting;
            return handle;
        }
        void await_resume() {
        }
    };
    Awaiter operator co_await() const {
        return {handle};
    }
    std::coroutine_handle<promise_type> handle;
};

// Not inlined, so that frames are not elided.
#define HEAP __attribute__((noinline))

// Its suspension is told to nobody who could be inlined.
std::coroutine_handle<> parked;
__attribute__((noinline)) void park(std::coroutine_handle<> handle) {
    parked = handle;
}

struct Parked {
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> handle) {
        park(handle);
    }
    void await_resume() {
    }
};

HEAP Task suspending() {
    for (;;)
        co_await std::suspend_always{};
}

HEAP Task parking() {
    for (;;)
        co_await Parked{};
}

constexpr unsigned alive = 64;
void *volatile kept[alive];

HEAP Task allocating(unsigned long rounds) {
    for (unsigned long i = 0; i < rounds; i++) {
        std::free(kept[i % alive]);
        kept[i % alive] = std::malloc(16 + i % alive);
    }
    co_return;
}

HEAP Task leaf() {
    co_return;
}

HEAP Task awaiting(unsigned long rounds) {
    for (unsigned long i = 0; i < rounds; i++) {
        Task child = leaf();
        co_await child;
        child.handle.destroy();
    }
}

void run_to_end(Task task) {
    task.handle.resume();
    task.handle.destroy();
}

// One resumption and suspension, nothing in between.
void resume_suspend(unsigned long rounds) {
    Task task = suspending();
    for (unsigned long i = 0; i <= rounds; i++)
        task.handle.resume();
    task.handle.destroy();
}

// The same, with an await_suspend that calls.
void resume_park(unsigned long rounds) {
    Task task = parking();
    task.handle.resume();
    for (unsigned long i = 0; i < rounds; i++)
        parked.resume();
    task.handle.destroy();
}

void malloc_free_in_task(unsigned long rounds) {
    run_to_end(allocating(rounds));
}

// Never resumed: frame allocated, initial suspension, frame destroyed.
void create_destroy(unsigned long rounds) {
    for (unsigned long i = 0; i < rounds; i++)
        leaf().handle.destroy();
}

// Created, awaited by symmetric transfer, ended, destroyed.
void await_child(unsigned long rounds) {
    run_to_end(awaiting(rounds));
}

const struct {
    const char *name;
    void (*run)(unsigned long);
} paths[] = {
    {"resume_suspend", resume_suspend},
    {"resume_park", resume_park},
    {"malloc_free_in_task", malloc_free_in_task},
    {"create_destroy", create_destroy},
    {"await_child", await_child},
};

void *nothing(void *) {
    return nullptr;
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    if (std::strcmp(argv[1], "HybridTracking") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, nullptr, nothing, nullptr) != 0)
            return 3;
        pthread_join(thread, nullptr);
    }
    for (int i = 4; i < argc; i++) {
        for (const auto &path : paths) {
            if (std::strcmp(path.name, argv[i]) != 0)
                continue;
            path.run(alive); // whatever happens once has happened
            CALLGRIND_ZERO_STATS;
            path.run(std::strtoul(argv[2], nullptr, 10));
            CALLGRIND_DUMP_STATS_AT(path.name);
            path.run(std::strtoul(argv[3], nullptr, 10));
            CALLGRIND_DUMP_STATS_AT(path.name);
        }
    }
    return 0;
}
