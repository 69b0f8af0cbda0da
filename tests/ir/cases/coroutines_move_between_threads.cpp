// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// While await_suspend still runs, another thread resumes the coroutine, and may end and free it:
// the rest of await_suspend, and the pop, must not touch the frame (ASan, TSan; of 19,
// the scripts do not ask for the sanitizers of 22).
//
// MAJORS: 19 22
// RUN: %coroutines
// RUN: case %clang in *llvm-22*) ;; *) for s in address thread; do for f in -O0 -O2; do %cxx -std=c++20 -g $f -fsanitize=$s -pthread -I%S %s %witness -o %t && timeout 100 %t | %check || exit 1; done; done ;; esac

#include "task.h"
#include <atomic>
#include <pthread.h>

std::atomic<void *> handed;
std::atomic<int> done;
struct Detached {
    struct promise_type {
        Detached get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
// Stays in await_suspend until the other thread is through with the coroutine's next step.
template <typename ResultT> struct Hand {
    bool await_ready() { return false; }
    ResultT await_suspend(std::coroutine_handle<> h) {
        int before = done;
        handed = h.address();
        while (done == before)
            ;
        if constexpr (std::is_same_v<ResultT, bool>)
            return true;
        if constexpr (std::is_same_v<ResultT, std::coroutine_handle<>>)
            return std::noop_coroutine();
    }
    void await_resume() {}
};
void *resumes(void *) {
    for (int i = 0; i < 3; i++) {
        void *h;
        while (!(h = handed.exchange(nullptr)))
            ;
        std::coroutine_handle<>::from_address(h).resume();
        done++;
    }
    return nullptr;
}
template <typename ResultT> Detached work() { co_await Hand<ResultT>{}; }
// CHECK: tasks begun=3 ended=3 alive=0
// CHECK-NEXT: events suspend=3 pop=3 unsuspend=0 resume=3 destroy=0 unwind=0
// CHECK: violations=0
int main() {
    pthread_t thread;
    pthread_create(&thread, nullptr, resumes, nullptr);
    work<void>();
    work<bool>();
    work<std::coroutine_handle<>>();
    pthread_join(thread, nullptr);
    return 0;
}
