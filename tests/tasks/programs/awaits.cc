// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symmetric transfer, nested awaits, recursion, exceptions through awaits, member and lambda
// coroutines; a task that leaks; blocks handed to the one that awaits.

#include "task.h"

static task leaf(book *parent, size_t bytes) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(bytes);
    co_await std::suspend_never{};
    me.free(p);
}

static task nested(book *parent, void **out) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(1000);
    co_await leaf(me, 70);
    co_await leaf(me, 800);
    *out = me.alloc(333); // freed by the one that awaits
    me.free(p);
}

static task recursive(book *parent, int depth) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(100 + depth);
    if (depth > 0)
        co_await recursive(me, depth - 1);
    void *q = me.alloc(50);
    me.free(p);
    me.free(q);
}

static book *thrower;

static task throws(book *parent, int depth) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(64);
    if (depth == 0) {
        me.free(p);
        thrower = me;
        me->counts(books::THROWN);
        throw books::failure{depth};
    }
    struct left_by_exception {
        page &me;
        void *p;
        ~left_by_exception() {
            me->counts(books::RETHROWN);
            me.free(p);
            me->counts_freed(me, books::RETHROWN);
        }
    } guard{me, p};
    co_await throws(me, depth - 1);
}

static task leaks(book *parent) {
    page me(__func__, parent, "awaits");
    void *volatile lost = me.alloc(4711);
    lost = me.alloc(32);
    me.free(lost);
    co_return;
}

struct service {
    size_t bytes;
    task serve(book *parent) const {
        page me(__func__, parent, "awaits");
        void *p = me.alloc(bytes);
        co_await std::suspend_never{};
        me.free(p);
    }
};

static task all(book *parent) {
    page me(__func__, parent, "spawned");
    void *given = nullptr;
    co_await nested(me, &given);
    me.free(given);
    co_await recursive(me, 6);
    try {
        co_await throws(me, 3);
    } catch (const books::failure &) {
        me->counts(books::RETHROWN);
        me.free(me.alloc(128));
    }
    me->counts_freed(me, books::RETHROWN);
    me->counts_freed(thrower, books::THROWN); // with the last exception_ptr
    co_await leaks(me);
    service one{5000};
    co_await one.serve(me);
    auto lambda = [](book *above) -> task {
        page me(__func__, above, "awaits");
        me.free(me.alloc(2222));
        co_return;
    };
    co_await lambda(me);
}

int main() {
    void *p = books::root()->alloc(16);
    all(books::root()).run();
    books::root()->free(p);
    books::print();
}
