// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks of a pool of two threads that never end, and their children: to be killed in the middle.

#include "pool.h"

static task child(book *parent, int bytes) {
    void *p = parent->alloc(bytes);
    co_await pool::turn();
    parent->free(p);
}

static detached worker(book *parent) {
    page me(__func__, parent, "spawned");
    void *held = me.alloc(1000);
    for (int i = 0;; i++) {
        void *p = me.alloc(100 + i % 50);
        co_await pool::turn();
        me.free(p);
        co_await child(me, 200 + i % 100);
    }
    me.free(held);
}

int main() {
    pool::threads = 2;
    pool::left = 64;
    for (int i = 0; i < 64; i++)
        pool::put(worker(books::root()).handle);
    pthread_t other;
    pthread_create(
        &other, nullptr,
        [](void *) -> void * {
            while (books::all[60].allocations < 10)
                sched_yield();
            puts("started");
            fflush(stdout);
            return nullptr;
        },
        nullptr);
    pool::run();
}
