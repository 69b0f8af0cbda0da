// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fibers ONE|ALL: fibers of ucontext that take turns; with ALL also coroutines inside fibers, and a
// pool thread with coroutines at the same time.

#include "pool.h"

#include <ucontext.h>

enum { FIBERS = 3, TURNS = 4, STACK = 256 << 10 };

struct fiber {
    ucontext_t here;
    book *mine;
    int number;
    alignas(16) char stack[STACK];
};

static ucontext_t scheduler;
static fiber fibers[FIBERS];
static bool with_coroutines;
static void *handed_over;
static std::coroutine_handle<> parked;

struct park {
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> h) {
        parked = h;
    }
    void await_resume() {
    }
};

static task inside(book *parent) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(700);
    co_await park();
    me.free(p);
}

static void turns(int number) {
    fiber &f = fibers[number];
    f.mine->label_current();
    void *p = f.mine->alloc(1000 + number);
    for (int i = 0; i < TURNS; i++) {
        void *q = f.mine->alloc(100 * (i + 1));
        swapcontext(&f.here, &scheduler);
        f.mine->free(q);
        if (with_coroutines && number == 0 && i == 1) {
            task one = inside(f.mine);
            one.run();
            swapcontext(&f.here, &scheduler);
            parked.resume();
        }
    }
    if (number == 1)
        handed_over = f.mine->alloc(555);
    f.mine->free(p);
    f.mine->close();
}

static task on_pool(book *parent, int number) {
    page me(__func__, parent, "spawned");
    for (int i = 0; i < 50; i++) {
        void *p = me.alloc(100 + number);
        co_await pool::turn();
        me.free(p);
    }
    pool::left--;
}

static void *switches(void *) {
    for (int i = 0; i < FIBERS; i++) {
        fiber &f = fibers[i];
        f.mine = books::open("turns", books::root(), "spawned");
        f.mine->has_frame = false;
        getcontext(&f.here);
        f.here.uc_stack.ss_sp = f.stack;
        f.here.uc_stack.ss_size = sizeof f.stack;
        f.here.uc_link = &scheduler;
        makecontext(&f.here, reinterpret_cast<void (*)()>(turns), 1, i);
    }
    bool is_over = false;
    while (!is_over) {
        is_over = true;
        for (fiber &f : fibers)
            if (!f.mine->is_ended) {
                swapcontext(&scheduler, &f.here);
                is_over = false;
            }
    }
    books::root()->free(handed_over);
    return nullptr;
}

int main(int argc, char **argv) {
    with_coroutines = argc > 1 && strcmp(argv[1], "ALL") == 0;
    if (with_coroutines) {
        pthread_t other;
        pool::threads = 2;
        pool::left = 2;
        task one = on_pool(books::root(), 0), two = on_pool(books::root(), 1);
        pool::put(one.handle);
        pool::put(two.handle);
        pthread_create(&other, nullptr, switches, nullptr);
        pool::run();
        pthread_join(other, nullptr);
    } else {
        switches(nullptr);
    }
    books::print();
}
