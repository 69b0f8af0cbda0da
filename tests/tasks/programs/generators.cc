// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Generators that a function and a coroutine pull from; one is left in the middle.

#include "task.h"

struct generator {
    struct promise_type {
        void *value = nullptr;
        promise_type() {
        }
        generator get_return_object() {
            return generator{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        std::suspend_always final_suspend() noexcept {
            return {};
        }
        std::suspend_always yield_value(void *p) noexcept {
            value = p;
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
            throw;
        }
    };
    std::coroutine_handle<promise_type> handle;
    void *next() {
        handle.resume();
        return handle.done() ? nullptr : handle.promise().value;
    }
};

static generator blocks(book *parent, int count) {
    page me(__func__, parent, "spawned");
    void *own = me.alloc(1024);
    for (int i = 0; i < count; i++)
        co_yield me.alloc(100 + i); // the one that pulls frees it
    me.free(own);
}

static task pulls(book *parent) {
    page me(__func__, parent, "spawned");
    generator g = blocks(me, 5);
    while (void *p = g.next()) {
        me.free(p);
        me.free(me.alloc(60));
    }
    g.handle.destroy();
    co_return;
}

int main() {
    book *root = books::root();
    pulls(root).run();
    generator g = blocks(root, 10);
    while (void *p = g.next())
        root->free(p);
    g.handle.destroy();
    generator left = blocks(root, 10);
    void *p = left.next();
    left.handle.destroy(); // its block and what it yielded outlive it
    root->free(p);
    books::print();
}
