// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of the promise, with the coroutine's arguments, with nothrow and no memory: then no coroutine
// begins.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"
#include <cstdlib>
#include <new>

struct Arena {
    alignas(16) char memory[4096];
    size_t used = 0;
};
template <bool Fails> struct Own {
    struct promise_type {
        static void *operator new(size_t n, Arena &arena, int) noexcept {
            void *at = arena.memory + arena.used;
            arena.used += (n + 15) & ~size_t{15};
            return Fails ? nullptr : at;
        }
        static void operator delete(void *, size_t) {}
        static Own get_return_object_on_allocation_failure() { return {}; }
        Own get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
    std::coroutine_handle<promise_type> handle;
};
Own<false> works(Arena &, int) { co_return; }
Own<true> fails(Arena &, int) { co_return; }

// CHECK: tasks begun=2 ended=2 alive=0
// CHECK-NEXT: events suspend=4 pop=4 unsuspend=0 resume=2 destroy=2 unwind=0
// CHECK: violations=0
int main() {
    static Arena arena;
    for (int i = 0; i < 2; i++) {
        auto one = works(arena, i);
        one.handle.resume();
        one.handle.destroy();
    }
    return !fails(arena, 1).handle && arena.used > 0 ? 0 : 1;
}
