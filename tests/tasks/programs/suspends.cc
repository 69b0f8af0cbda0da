// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// await_suspend that returns bool (both ways), that returns void and resumes the child itself, and
// that throws: the coroutine goes on as the one that runs.

#include "task.h"

struct maybe {
    page &me;
    bool suspends;
    std::coroutine_handle<> *out;
    bool await_ready() {
        return false;
    }
    bool await_suspend(std::coroutine_handle<> h) {
        me.free(me.alloc(90)); // still the one that suspends
        *out = h;
        return suspends;
    }
    void await_resume() {
        me.free(me.alloc(40));
    }
};

struct throwing {
    page &me;
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<>) {
        me.free(me.alloc(700));
        me->counts(books::THROWN);
        throw books::failure{1};
    }
    void await_resume() {
    }
};

// Runs the child inside its await_suspend, on top of the one that suspends.
struct started {
    task child;
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> h) {
        child.handle.promise().waiting = h;
        child.handle.resume();
    }
    void await_resume() {
    }
};

static task child(book *parent) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(321);
    co_await std::suspend_never{};
    me.free(p);
}

static task bools(book *parent, std::coroutine_handle<> *out) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(100);
    co_await maybe{me, false, out};
    void *q = me.alloc(200);
    co_await maybe{me, true, out};
    me.free(p);
    me.free(q);
}

static task voids(book *parent) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(500);
    co_await started{child(me)};
    me.free(p);
    co_await started{child(me)};
}

static task throws(book *parent) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(64);
    for (int i = 0; i < 2; i++) {
        try {
            co_await throwing{me};
        } catch (const books::failure &) {
            me.free(me.alloc(100 + i));
        }
        me->counts_freed(me, books::THROWN);
    }
    co_await child(me);
    me.free(p);
}

int main() {
    std::coroutine_handle<> suspended;
    book *root = books::root();
    {
        task one = bools(root, &suspended);
        one.run();
        root->free(root->alloc(25));
        suspended.resume();
    }
    voids(root).run();
    throws(root).run();
    books::print();
}
