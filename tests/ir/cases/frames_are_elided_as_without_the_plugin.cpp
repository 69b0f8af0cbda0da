// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As many calls of operator new for frames as without the plugin: HALO, and in 22 also
// coro_await_elidable. Elided frames begin and end as others.
//
// MAJORS: 19 22
// RUN: for f in -O0 -O1 -O2 -O3; do %clangxx -std=c++20 $f -I%S %s -o %t && %t > %t.plain && for g in '' '%linked'; do %cxx -std=c++20 $f $g -I%S %s %mock %witness -o %t && %t | grep -v '^[a-z]* [0-9]* @' > %t.followed && %check < %t.followed && diff <(grep ^calls %t.plain) <(grep ^calls %t.followed) || { echo "with $f $g"; exit 1; }; done; done
// RUN: %cxx -std=c++20 -O2 -I%S %s %witness -o %t && %t | grep -v 'elided=0$' | grep 'allocated=.* elided='
// RUN: case %clang in *llvm-22*) %t | grep 'frames allocated=0 elided=7' ;; esac

#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <new>

static unsigned long calls;
void *operator new(size_t n) {
    calls++;
    return malloc(n);
}
void operator delete(void *p) noexcept { free(p); }
void operator delete(void *p, size_t) noexcept { free(p); }

struct Numbers {
    struct promise_type {
        int value;
        promise_type() {}
        Numbers get_return_object() {
            return Numbers{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int v) noexcept {
            value = v;
            return {};
        }
        void return_void() {}
        void unhandled_exception() { throw; }
    };
    std::coroutine_handle<promise_type> handle;
    explicit Numbers(std::coroutine_handle<promise_type> h) : handle(h) {}
    Numbers(Numbers const &) = delete;
    ~Numbers() { handle.destroy(); }
};
static Numbers upto(int n) {
    for (int i = 0; i < n; i++)
        co_yield i;
}
#if defined(__has_cpp_attribute) && __has_cpp_attribute(clang::coro_await_elidable)
#define ELIDABLE [[clang::coro_await_elidable]]
#else
#define ELIDABLE
#endif
struct ELIDABLE Step {
    struct promise_type {
        int value;
        std::coroutine_handle<> waiting;
        Step get_return_object() {
            return Step{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                auto waiting = h.promise().waiting;
                return waiting ? waiting : std::noop_coroutine();
            }
            void await_resume() noexcept {}
        };
        Final final_suspend() noexcept { return {}; }
        void return_value(int v) { value = v; }
        void unhandled_exception() { throw; }
        promise_type() {}
    };
    std::coroutine_handle<promise_type> handle;
    explicit Step(std::coroutine_handle<promise_type> h) : handle(h) {}
    Step(Step const &) = delete;
    ~Step() { handle.destroy(); }
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
        handle.promise().waiting = h;
        return handle;
    }
    int await_resume() { return handle.promise().value; }
};
static Step leaf(int n) { co_return n; }
static Step root(int n) {
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += co_await leaf(i);
    co_return sum;
}

// CHECK: tasks begun=7 ended=7 alive=0
// CHECK-NEXT: events suspend=23 pop=23 unsuspend=0 resume=16 destroy=7 unwind=0
// CHECK: violations=0
int main() {
    int sum = 0;
    {
        Numbers numbers = upto(4);
        for (numbers.handle.resume(); !numbers.handle.done(); numbers.handle.resume())
            sum += numbers.handle.promise().value;
    }
    {
        Step step = root(5);
        step.handle.resume();
        sum += step.await_resume();
    }
    printf("calls %lu\n", calls);
    return sum == 6 + 10 ? 0 : 1;
}
