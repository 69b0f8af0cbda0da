// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each await_suspend hands its coroutine to another thread, waits until that has resumed it, and
// only then allocates and frees: it is still the coroutine's, which runs elsewhere meanwhile.

#include "task.h"

#include <pthread.h>
#include <sched.h>

enum { ROUNDS = 2000 };
static std::atomic<void *> handed[2]; // to each of two threads
static std::atomic<int> resumed;      // the round that was last resumed
static void *lost_late[ROUNDS];
static char over; // handed last

static void give(int to, void *what) {
    handed[to] = what;
    handed[to].notify_one();
}

struct elsewhere {
    page &me;
    int round;
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> h) {
        book *mine = me; // this object may be gone once it is handed over
        int number = round;
        give(number % 2, h.address());
        for (int seen; (seen = resumed) < number;)
            resumed.wait(seen);
        mine->free(mine->alloc(100 + number % 7));
        if (number % 10 == 0)
            lost_late[number] = mine->alloc(40);
    }
    void await_resume() {
        resumed = round;
        resumed.notify_all();
    }
};

static detached moves(book *parent) {
    page me(__func__, parent, "spawned");
    me->is_peak_exact = false;
    for (int i = 1; i < ROUNDS; i++) {
        void *p = me.alloc(64);
        co_await elsewhere{me, i};
        me.free(p);
    }
    // The last await_suspend may still be counting.
    while (me->allocations < 2 * (ROUNDS - 1) + (ROUNDS - 1) / 10 || me->frees < 2 * (ROUNDS - 1))
        sched_yield();
    give(0, &over);
    give(1, &over);
}

static void *run(void *number) {
    auto &mine = handed[reinterpret_cast<uintptr_t>(number)];
    for (;;) {
        mine.wait(nullptr);
        void *h = mine.exchange(nullptr);
        if (h == &over)
            return nullptr;
        std::coroutine_handle<>::from_address(h).resume();
    }
}

int main() {
    pthread_t ids[2];
    handed[0] = moves(books::root()).handle.address();
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&ids[i], nullptr, run, reinterpret_cast<void *>(i));
    for (pthread_t id : ids)
        pthread_join(id, nullptr);
    books::print();
}
