// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 3000 tasks begin on one thread and end on the other, while their last await_suspend still goes on
// on the first and then allocates 100 bytes, which every third task leaves.

#include "task.h"

#include <pthread.h>

enum { TASKS = 3000 };
static std::atomic<void *> handed;
static std::atomic<int> ended;
static void *left[TASKS + 1];

struct last_words {
    int number;
    bool await_ready() {
        return false;
    }
    void await_suspend(std::coroutine_handle<> h) {
        int mine = number; // this object is gone once the task has ended
        handed = h.address();
        handed.notify_one();
        for (int seen; (seen = ended) < mine;)
            ended.wait(seen);
        left[mine] = malloc(100);
        if (mine % 3 != 0)
            free(left[mine]);
    }
    void await_resume() {
    }
};

static detached ends_elsewhere(int number) {
    void *volatile p = malloc(50);
    co_await last_words{number};
    free(p);
}

static void *end_them(void *) {
    while (ended < TASKS) {
        handed.wait(nullptr);
        std::coroutine_handle<>::from_address(handed.exchange(nullptr)).resume();
        ended++;
        ended.notify_one();
    }
    return nullptr;
}

int main() {
    pthread_t other;
    pthread_create(&other, nullptr, end_them, nullptr);
    for (int i = 1; i <= TASKS; i++)
        ends_elsewhere(i).handle.resume();
    pthread_join(other, nullptr);
}
