// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutines that await each other, resumed by one of several executors (EXECUTOR): a plain loop,
// three threads, the loop of a library without hooks (walker.c), fibers in turn, a thread for each
// step. They go on by symmetric transfer. Each knows who awaits it, and tells that of each
// allocation. Their frames come from an arena, so that they are none.

#include "awaited.h"
#include "awaited_task.h"

#include <atomic>
#include <cstdint>
#include <future>
#include <mutex>
#include <thread>
#include <ucontext.h>

// ---- the executor ------------------------------------------------------------------------------

static std::coroutine_handle<> queue[1024];
static size_t queue_head, queue_tail;
static std::mutex queue_lock;
static std::atomic<int> left;

static bool run_one() {
    std::coroutine_handle<> next;
    {
        std::lock_guard<std::mutex> hold(queue_lock);
        if (queue_head != queue_tail)
            next = queue[queue_head++ % 1024];
    }
    if (next)
        next.resume();
    return left > 0;
}

struct Yield {
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> self) {
        std::lock_guard<std::mutex> hold(queue_lock);
        queue[queue_tail++ % 1024] = self;
    }
    void await_resume() {
    }
};

// ---- tasks -------------------------------------------------------------------------------------

static Task t_inner(Awaited by) {
    t_leaf(awaited(by, "t_inner", 10));
    co_await Yield();
    t_leaf(awaited(by, "t_inner", 11));
}

static Task t_middle(Awaited by, int turns) {
    for (int i = 0; i < turns; i++) {
        t_leaf(awaited(by, "t_middle", 20));
        co_await t_inner(awaited(by, "t_middle", 0));
        t_leaf(awaited(by, "t_middle", 21));
    }
}

static Task t_recursive(Awaited by, int depth) {
    t_leaf(awaited(by, "t_recursive", 30));
    if (depth > 0)
        co_await t_recursive(awaited(by, "t_recursive", 0), depth - 1);
    else
        co_await Yield();
    t_leaf(awaited(by, "t_recursive", 31));
}

static Task t_one(Awaited by) {
    co_await t_middle(awaited(by, "t_one", 0), 3);
    t_leaf(awaited(by, "t_one", 40));
    co_await t_inner(awaited(by, "t_one", 0));
    co_await t_inner(awaited(by, "t_one", 0)); // the same at another line
    co_await t_recursive(awaited(by, "t_one", 0), 4);
    left--;
}

static Task t_other(Awaited by) {
    co_await Yield();
    co_await t_middle(awaited(by, "t_other", 0), 2);
    co_await t_recursive(awaited(by, "t_other", 0), 2);
    t_leaf(awaited(by, "t_other", 50));
    left--;
}

static NOINLINE void t_begin() {
    left += 2;
    t_one(spawned("t_begin")).self.resume();
    t_other(spawned("t_begin")).self.resume();
}

static NOINLINE void t_begin_more() {
    left += 1;
    t_other(spawned("t_begin_more")).self.resume();
}

// ---- executors ---------------------------------------------------------------------------------

static void run_on_threads() {
    auto work = [] {
        while (run_one())
            ;
    };
    std::thread threads[] = {std::thread(work), std::thread(work), std::thread(work)};
    for (auto &thread : threads)
        thread.join();
}

#if EXECUTOR == 2
extern "C" uint64_t walk(uint64_t from, int (*call)(uint64_t value), int depth);

static void run_in_library() {
    for (uint64_t turn = 0; left > 0; turn++)
        walk(
            turn, [](uint64_t) { return static_cast<int>(run_one()); }, static_cast<int>(turn % 3));
}
#else
static void run_in_library() {
}
#endif

static ucontext_t fibers[3], outside;
static char stacks[3][1 << 16];

// Each coroutine goes on in the fiber whose turn it is.
static void run_in_fiber(int own) {
    while (run_one())
        swapcontext(&fibers[own], &fibers[(own + 1) % 3]);
    setcontext(&outside);
}

static void run_in_fibers() {
    for (int i = 0; i < 3; i++) {
        getcontext(&fibers[i]);
        fibers[i].uc_stack.ss_sp = stacks[i];
        fibers[i].uc_stack.ss_size = sizeof stacks[i];
        makecontext(&fibers[i], reinterpret_cast<void (*)()>(run_in_fiber), 1, i);
    }
    swapcontext(&outside, &fibers[0]);
}

static void run_in_steps() {
    while (std::async(std::launch::async, run_one).get())
        ;
}

int main() {
    static void (*const run[])() = {[] {
                                        while (run_one())
                                            ;
                                    },
                                    run_on_threads, run_in_library, run_in_fibers, run_in_steps};
    for (int turn = 0; turn < 5; turn++) {
        t_begin();
        t_begin_more();
    }
    run[EXECUTOR]();
    return 0;
}
