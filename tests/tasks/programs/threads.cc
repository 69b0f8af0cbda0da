// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads as root tasks: std::thread, std::async, C11 threads, each with a coroutine of its own and
// a block of the root task itself (1000, 2000, 3000 bytes).

#include "task.h"

#include <future>
#include <thread>
#include <threads.h>

static task work(book *parent, int bytes) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(bytes);
    co_await std::suspend_never{};
    me.free(p);
}

static void root_task(int bytes) {
    book *root = books::root();
    void *p = root->alloc(bytes);
    work(root, 10 * bytes).run();
    root->free(p);
}

static int c_thread(void *) {
    root_task(3000);
    return 0;
}

int main() {
    std::thread one([] { root_task(1000); }); // spawn: std::thread
    one.join();
    std::async(std::launch::async, [] { root_task(2000); }).get(); // spawn: std::async
    thrd_t three;
    thrd_create(&three, c_thread, nullptr); // spawn: thrd_create
    thrd_join(three, nullptr);
    books::print();
}
