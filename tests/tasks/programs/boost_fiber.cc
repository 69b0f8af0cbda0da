// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fibers of Boost.Fiber, which switches inside its own shared library; they yield, join and hand
// blocks over. -DCONTEXT: boost::context::fiber, which switches at call sites.

#include "books.h"

enum { TURNS = 5 };
static void *left_over[3];

#ifdef CONTEXT
#include <boost/context/fiber.hpp>
namespace context = boost::context;

int main() {
    context::fiber fibers[3];
    book *mine[3];
    for (int i = 0; i < 3; i++) {
        mine[i] = books::open("fiber_entry", books::root(), "spawned");
        mine[i]->has_frame = false;
        fibers[i] = context::fiber([i, &mine](context::fiber &&back) {
            book *me = mine[i];
            me->label_current();
            void *p = me->alloc(1000 + i);
            for (int turn = 0; turn < TURNS; turn++) {
                void *q = me->alloc(100 * (turn + 1));
                back = std::move(back).resume();
                me->free(q);
            }
            left_over[i] = me->alloc(64);
            me->free(p);
            me->close();
            return std::move(back);
        });
    }
    for (int turn = 0; turn <= TURNS; turn++)
        for (auto &fiber : fibers)
            fiber = std::move(fiber).resume();
    for (void *p : left_over)
        books::root()->free(p);
    books::print();
}
#else
#include <boost/fiber/all.hpp>

static void work(int i) {
    book *me = books::open("fiber_entry", books::root(), "spawned");
    me->has_frame = false;
    me->label_current();
    void *p = me->alloc(1000 + i);
    for (int turn = 0; turn < TURNS; turn++) {
        void *q = me->alloc(100 * (turn + 1));
        boost::this_fiber::yield();
        me->free(q);
    }
    left_over[i] = me->alloc(64);
    me->free(p);
    me->close();
}

int main() {
    books::root();
    {
        boost::fibers::fiber one(work, 0), two(work, 1), three(work, 2);
        one.join();
        two.join();
        three.join();
    }
    for (void *p : left_over)
        books::root()->free(p);
    books::print();
}
#endif
