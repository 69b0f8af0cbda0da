// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How tasks begin and end: eager ones, ones destroyed while suspended or before they ran, ones
// alive at exit, frames out of a pool; producer and consumer.

#include "coroutines.h"
#include "task.h"

#include <new>

// Runs at once, stays when it is over.
struct eager {
    struct promise_type {
        std::coroutine_handle<> waiting;
        promise_type() {
        }
        eager get_return_object() {
            return eager{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() noexcept {
            return {};
        }
        waits_no_longer final_suspend() noexcept {
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
            std::terminate();
        }
    };
    std::coroutine_handle<promise_type> handle;
    bool await_ready() {
        return handle.done();
    }
    void await_suspend(std::coroutine_handle<> h) {
        handle.promise().waiting = h;
    }
    void await_resume() {
    }
};

// Starts at once, is awaited while it is suspended: its end confirms who waits.
static eager starts(book *parent, std::coroutine_handle<> *out) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(150);
    co_await parked{out};
    me.free(p);
}

static eager alone(book *parent) {
    page me(__func__, parent, "spawned");
    me.free(me.alloc(77));
    co_return;
}

static task awaits_eager(book *parent, std::coroutine_handle<> *out) {
    page me(__func__, parent, "spawned");
    eager child = starts(me, out);
    void *p = me.alloc(99);
    eager other = alone(me);
    co_await other;
    other.handle.destroy();
    co_await child;
    me.free(p);
    child.handle.destroy();
}

static task cancelled(book *parent, std::coroutine_handle<> *out) {
    page me(__func__, parent, "spawned");
    struct freed {
        page &me;
        void *p;
        ~freed() {
            me.free(p); // in destroy(): the task runs
        }
    } guard{me, me.alloc(444)};
    void *volatile lost = me.alloc(55);
    (void)lost;
    co_await parked{out};
    abort();
}

static task never_runs(book *) {
    co_return;
}

static task stays(book *parent, std::coroutine_handle<> *out) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(12345);
    me.free(me.alloc(20000));
    co_await parked{out};
    me.free(p);
}

// ---- frames out of a pool ----------------------------------------------------------------------

struct pooled_frames {
    alignas(16) static inline char slots[4][1024];
    static inline bool taken[4];
    static void *operator new(size_t bytes) {
        for (int i = 0; i < 4; i++)
            if (!taken[i] && bytes <= sizeof slots[i]) {
                taken[i] = true;
                return slots[i];
            }
        throw std::bad_alloc();
    }
    static void operator delete(void *p) {
        taken[(static_cast<char *>(p) - slots[0]) / 1024] = false;
    }
};
using pooled = held<pooled_frames>;

// Not inlined: its frame could be elided.
__attribute__((noinline)) static pooled recycled(book *parent, int i) {
    page me(__func__, parent, "spawned");
    me->has_frame = false;
    void *p = me.alloc(100 + i);
    co_await std::suspend_always{};
    me.free(p);
}

// ---- producer and consumer ---------------------------------------------------------------------

struct channel {
    void *value = nullptr;
    std::coroutine_handle<> reader, writer;
    struct empty { // until it is
        channel &c;
        bool await_ready() {
            return !c.value;
        }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
            c.writer = h;
            return std::exchange(c.reader, std::noop_coroutine());
        }
        void await_resume() {
        }
    };
    struct full {
        channel &c;
        bool await_ready() {
            return c.value;
        }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
            c.reader = h;
            return c.writer ? std::exchange(c.writer, nullptr) : std::noop_coroutine();
        }
        void await_resume() {
        }
    };
};

static task produces(book *parent, channel &c, int count) {
    page me(__func__, parent, "spawned");
    for (int i = 0; i < count; i++) {
        co_await channel::empty{c};
        c.value = me.alloc(1000 + i);
    }
    co_await channel::empty{c};
}

static task consumes(book *parent, channel &c, int count) {
    page me(__func__, parent, "spawned");
    for (int i = 0; i < count; i++) {
        co_await channel::full{c};
        me.free(std::exchange(c.value, nullptr));
        me.free(me.alloc(30));
    }
}

int main() {
    book *root = books::root();
    std::coroutine_handle<> suspended, kept;
    {
        task one = awaits_eager(root, &suspended);
        one.run();
        suspended.resume();
    }
    {
        task one = cancelled(root, &suspended);
        one.run();
    }
    {
        book *b = books::open("never_runs", root, "spawned");
        task one = never_runs(b);
        b->close();
    }
    for (int i = 0; i < 6; i++) {
        pooled one = recycled(root, i), two = recycled(root, 10 * i);
        one.handle.resume();
        two.handle.resume();
        one.handle.resume();
        one.handle.destroy();
        two.handle.resume();
        two.handle.destroy();
    }
    {
        channel c;
        task reader = consumes(root, c, 7), writer = produces(root, c, 7);
        reader.run();
        writer.run();
    }
    task *leaked = new task(stays(root, &kept));
    leaked->run();
    books::print();
}
