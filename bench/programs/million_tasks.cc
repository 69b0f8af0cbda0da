// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// million_tasks NUMBER: a fan-out. One coroutine starts NUMBER others and awaits them all. Each has
// a block of its own and is resumed four times, and not until all have begun does any of them end.

#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <utility>
#include <vector>

namespace {

std::deque<std::coroutine_handle<>> ready;

// To the end of the queue.
struct Yield {
    bool await_ready() noexcept {
        return false;
    }
    void await_suspend(std::coroutine_handle<> handle) {
        ready.push_back(handle);
    }
    void await_resume() noexcept {
    }
};

// Counts the children that are not over yet.
struct Latch {
    size_t left;
    std::coroutine_handle<> waiting;
};

struct Task {
    struct promise_type {
        Latch *latch = nullptr;
        Task get_return_object() {
            return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        struct Final {
            bool await_ready() noexcept {
                return false;
            }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                Latch *latch = h.promise().latch;
                return latch && --latch->left == 0 ? latch->waiting : std::noop_coroutine();
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
    explicit Task(std::coroutine_handle<promise_type> handle) : handle(handle) {
    }
    Task(Task &&other) noexcept : handle(std::exchange(other.handle, nullptr)) {
    }
    ~Task() {
        if (handle)
            handle.destroy();
    }
    std::coroutine_handle<promise_type> handle;
};

// co_await All{tasks}: starts each, goes on when the last is over.
struct All {
    std::vector<Task> &tasks;
    Latch latch{};
    bool await_ready() {
        return tasks.empty();
    }
    void await_suspend(std::coroutine_handle<> waiting) {
        latch = {tasks.size(), waiting};
        for (Task &task : tasks) {
            task.handle.promise().latch = &latch;
            ready.push_back(task.handle);
        }
    }
    void await_resume() {
    }
};

size_t alive, most_alive;

Task child(unsigned number, unsigned long &sum) {
    std::vector<unsigned> own(4 + number % 8, number);
    most_alive = ++alive > most_alive ? alive : most_alive;
    for (int turn = 0; turn < 3; turn++)
        co_await Yield{};
    sum += own.front();
    alive--;
}

Task fan_out(unsigned number, unsigned long &sum) {
    std::vector<Task> children;
    children.reserve(number);
    for (unsigned i = 0; i < number; i++)
        children.push_back(child(i, sum));
    co_await All{children};
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    unsigned long sum = 0;
    Task root = fan_out((unsigned)std::strtoul(argv[1], nullptr, 10), sum);
    ready.push_back(root.handle);
    while (!ready.empty()) {
        std::coroutine_handle<> next = ready.front();
        ready.pop_front();
        next.resume();
    }
    std::printf("%lu, %zu at once, %d\n", sum, most_alive, root.handle.done());
    return 0;
}
