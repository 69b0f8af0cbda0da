// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a coroutine awaits, by each way that tells who awaits whom; and a generator, which is
// awaited at many lines and so at none that can be told.

#include "awaited.h"
#include "awaited_task.h"

static std::coroutine_handle<> queue[64];
static size_t queue_head, queue_tail;
static void post(std::coroutine_handle<> handle) {
    queue[queue_tail++ % 64] = handle;
}

struct Yield {
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> self) {
        post(self);
    }
    void await_resume() {
    }
};

// How the awaiter of a task holds it, and starts it.
enum Way { HOLDS, RESUMES, TRANSFERS, POSTS };

// Keeps the task's handle out of sight.
static std::coroutine_handle<Task::promise_type> hidden[64];
static size_t hidden_count;

template <Way WAY> struct Hidden {
    std::coroutine_handle<Task::promise_type> *held;
    explicit Hidden(Task task) : held(&hidden[hidden_count++]) {
        *held = task.self;
    }
    bool await_ready() {
        return false;
    }
    auto await_suspend(std::coroutine_handle<> awaiter) {
        held->promise().awaiter = awaiter;
        if constexpr (WAY == TRANSFERS)
            return std::coroutine_handle<>(*held);
        else if constexpr (WAY == RESUMES)
            held->resume();
        else
            post(*held);
    }
    void await_resume() {
        held->destroy();
    }
};

static Task t_leaves(Awaited by) {
    t_leaf(awaited(by, "t_leaves", 10));
    co_await Yield();
    t_leaf(awaited(by, "t_leaves", 11));
}

// await_suspend says no: it goes on, and is suspended elsewhere after as many resumptions.
struct Refuses {
    void *room = nullptr;
    bool await_ready() {
        return false;
    }
    bool await_suspend(std::coroutine_handle<>) {
        return false;
    }
    void await_resume() {
    }
};

static Task t_ways(Awaited by) {
    co_await t_leaves(awaited(by, "t_ways", 0));
    co_await t_leaves(awaited(by, "t_ways", 0));
    co_await Hidden<RESUMES>(t_leaves(awaited(by, "t_ways", 0)));
    co_await Hidden<TRANSFERS>(t_leaves(awaited(by, "t_ways", 0)));
    co_await Hidden<POSTS>(t_leaves(awaited(by, "t_ways", 0)));
    Task made = t_leaves(awaited(by, "t_ways", 0, __LINE__ + 2));
    co_await Refuses();
    co_await Hidden<TRANSFERS>(made);
}

// ---- a generator -------------------------------------------------------------------------------

struct Numbers {
    struct promise_type : AwaitedPromise {
        Numbers get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        ResumesAwaiter yield_value(int) {
            return {};
        }
    };
    std::coroutine_handle<promise_type> self;
    bool await_ready() {
        return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) {
        self.promise().awaiter = awaiter;
        return self;
    }
    void await_resume() {
    }
};

static Numbers t_numbers(Awaited by) {
    for (int i = 0; i < 3; i++) {
        t_leaf(awaited(by, "t_numbers", 20));
        co_yield i;
    }
}

static Task t_counts(Awaited by) {
    Numbers numbers = t_numbers(awaited(by, "t_counts", 0, 0));
    co_await numbers;
    co_await numbers;
    co_await numbers;
    numbers.self.destroy();
}

static NOINLINE void t_begin() {
    t_ways(spawned("t_begin")).self.resume();
    t_counts(spawned("t_begin")).self.resume();
}

int main() {
    for (int turn = 0; turn < 3; turn++)
        t_begin();
    while (queue_head != queue_tail)
        queue[queue_head++ % 64].resume();
    return 0;
}
