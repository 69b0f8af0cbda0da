// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutines where they are seldom met: inside a fiber that pauses in their midst, a generator that
// a thread and a fiber draw from in turn, exceptions on their way through awaits, destroyed before
// their end, one that runs another to its end by hand.

#include "awaited.h"
#include "awaited_task.h"

#include <cstdlib>
#include <thread>
#include <ucontext.h>

struct Generator {
    struct promise_type : InArena {
        int value = 0;
        Generator get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() {
            return {};
        }
        std::suspend_always final_suspend() noexcept {
            return {};
        }
        std::suspend_always yield_value(int next) {
            value = next;
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
            std::terminate();
        }
    };
    std::coroutine_handle<promise_type> self;
    int next() {
        self.resume();
        return self.promise().value;
    }
};

// ---- fibers ------------------------------------------------------------------------------------

static ucontext_t inside, outside;
static char stack[1 << 16];

static Task t_pauses(Awaited by) {
    t_leaf(awaited(by, "t_pauses", 10));
    swapcontext(&inside, &outside); // while it runs
    t_leaf(awaited(by, "t_pauses", 11));
    co_return;
}

static Task t_around(Awaited by) {
    co_await t_pauses(awaited(by, "t_around", 0));
    t_leaf(awaited(by, "t_around", 12));
}

static Generator t_numbers(Awaited by) {
    for (int i = 0;; i++) {
        t_leaf(awaited(by, "t_numbers", 20));
        co_yield i;
    }
}

static Generator *shared;

static NOINLINE void t_in_fiber() {
    Task task = t_around(spawned("t_in_fiber"));
    task.self.resume();
    task.self.destroy();
    shared->next();
    swapcontext(&inside, &outside);
    shared->next();
    setcontext(&outside);
}

static Task t_meanwhile(Awaited by) {
    t_leaf(awaited(by, "t_meanwhile", 13));
    co_return;
}

static NOINLINE void t_fibers() {
    Generator numbers = t_numbers(spawned("t_fibers"));
    shared = &numbers;
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = sizeof stack;
    makecontext(&inside, t_in_fiber, 0);
    for (int turn = 0; turn < 3; turn++) {
        swapcontext(&outside, &inside);
        Task other = t_meanwhile(spawned("t_fibers"));
        other.self.resume();
        other.self.destroy();
        std::thread([] { shared->next(); }).join();
    }
    numbers.self.destroy();
}

// ---- exceptions --------------------------------------------------------------------------------

struct Guard {
    const Awaited &by;
    const char *name;
    ~Guard() {
        t_leaf(awaited(by, name, 30));
    }
};

// What an exception takes is the thrower's.
static void told_throw(const Awaited &by) {
    struct chain chain;
    chain.count = 0;
    struct chain *before = chain_switch(&chain);
    chain_enter(by.text);
    TELL(nullptr, by.bytes);
    chain_switch(before);
}

static Task t_throws(Awaited by, int left) {
    Guard guard{by, "t_throws"};
    if (left > 0)
        co_await t_throws(awaited(by, "t_throws", 0), left - 1);
    else {
        told_throw(awaited(by, "t_throws", sizeof(int) + 128)); // with libstdc++'s header
        throw 5;
    }
}

static Task t_catches(Awaited by) {
    try {
        co_await t_throws(awaited(by, "t_catches", 0), 2);
    } catch (int) {
        t_leaf(awaited(by, "t_catches", 31));
    }
    t_leaf(awaited(by, "t_catches", 32));
}

static NOINLINE void t_exceptions() {
    Task task = t_catches(spawned("t_exceptions"));
    task.self.resume();
    task.self.destroy();
}

// ---- by hand -----------------------------------------------------------------------------------

static Task t_waits_for_ever(Awaited by) {
    Guard guard{by, "t_waits_for_ever"};
    co_await std::suspend_always();
}

// Runs what it makes itself: nobody awaits that.
static Task t_by_hand(Awaited by) {
    t_leaf(awaited(by, "t_by_hand", 40));
    Task child = t_meanwhile(spawned("t_by_hand"));
    child.self.resume();
    child.self.destroy();
    t_leaf(awaited(by, "t_by_hand", 41));
    co_return;
}

static NOINLINE void t_hands() {
    Task never = t_waits_for_ever(spawned("t_hands"));
    never.self.resume();
    never.self.destroy();
    Task task = t_by_hand(spawned("t_hands"));
    task.self.resume();
    task.self.destroy();
}

int main() {
    t_fibers();
    t_exceptions();
    t_hands();
    return 0;
}
