// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// pool THREADS: detached tasks and their children migrate in a pool whose threads steal; what the
// first ones leave is freed by later ones. One waits for all of its children at once.

#include "pool.h"

enum { WORKERS = 8, ROUNDS = 20 };
static void *left_over[WORKERS];

// As `task`, but one of several that are awaited together.
struct one_of {
    struct promise_type {
        std::coroutine_handle<> waiting;
        std::atomic<int> *others = nullptr;
        promise_type() {
        }
        one_of get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        struct last {
            bool await_ready() noexcept {
                return false;
            }
            std::coroutine_handle<>
            await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
                auto waiting = ended.promise().waiting;
                return --*ended.promise().others == 0 ? waiting : std::noop_coroutine();
            }
            void await_resume() noexcept {
            }
        };
        last final_suspend() noexcept {
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
            std::terminate();
        }
    };
    std::coroutine_handle<promise_type> handle;
};

struct when_all {
    one_of *children;
    int count;
    std::atomic<int> &running;
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> h) {
        one_of *list = children; // the last child's end may end this object
        int number = count;
        running = number;
        for (int i = 0; i < number; i++) {
            list[i].handle.promise().waiting = h;
            list[i].handle.promise().others = &running;
        }
        for (int i = 0; i < number; i++)
            pool::put(list[i].handle);
    }
    void await_resume() {
        for (int i = 0; i < count; i++)
            children[i].handle.destroy();
    }
};

static task child(book *parent, int bytes) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(bytes);
    co_await pool::turn();
    me.free(p);
    me.free(me.alloc(3 * bytes));
}

static detached first(book *parent, int number) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(100 + number);
    for (int i = 0; i < ROUNDS; i++) {
        void *q = me.alloc(64 + i);
        co_await pool::turn();
        me.free(q);
    }
    co_await child(me, 200 + number);
    left_over[number] = me.alloc(1000 + number);
    me.free(p);
    pool::left--;
}

static detached second(book *parent, int number) {
    page me(__func__, parent, "spawned");
    co_await pool::turn();
    me.free(left_over[number]);
    me.free(me.alloc(500));
    pool::left--;
}

static one_of part(book *parent, int number) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(300 + number);
    co_await pool::turn();
    co_await pool::turn();
    me.free(p);
}

static detached fans_out(book *parent) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(250);
    {
        one_of parts[5] = {part(me, 0), part(me, 1), part(me, 2), part(me, 3), part(me, 4)};
        std::atomic<int> running;
        co_await when_all{parts, 5, running};
    }
    me.free(p);
    pool::left--;
}

int main(int argc, char **argv) {
    pool::threads = argc > 1 ? atoi(argv[1]) : 2;
    book *root = books::root();
    pool::left = WORKERS;
    for (int i = 0; i < WORKERS; i++)
        pool::put(first(root, i).handle);
    pool::run();
    pool::left = WORKERS + 1;
    pool::put(fans_out(root).handle);
    for (int i = 0; i < WORKERS; i++)
        pool::put(second(root, i).handle);
    pool::run();
    books::print();
}
