// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// co_yield, to the end and broken off, and recursive as std::generator's elements_of.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

template <typename T> struct Generator {
    struct promise_type {
        T const *value;
        promise_type *root = this, *parent = nullptr, *leaf = this;
        std::exception_ptr failure;
        Generator get_return_object() {
            return Generator{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                promise_type &own = h.promise();
                if (!own.parent)
                    return std::noop_coroutine();
                own.root->leaf = own.parent;
                return std::coroutine_handle<promise_type>::from_promise(*own.parent);
            }
            void await_resume() noexcept {}
        };
        Final final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(T const &v) noexcept {
            root->value = &v;
            return {};
        }
        struct Nested {
            Generator inner;
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                promise_type &in = inner.handle.promise();
                in.root = h.promise().root;
                in.parent = &h.promise();
                in.root->leaf = &in;
                return inner.handle;
            }
            void await_resume() {}
        };
        Nested yield_value(Generator &&inner) noexcept { return Nested{std::move(inner)}; }
        void return_void() {}
        void unhandled_exception() { throw; }
    };
    std::coroutine_handle<promise_type> handle;
    explicit Generator(std::coroutine_handle<promise_type> h) : handle(h) {}
    Generator(Generator &&other) noexcept : handle(std::exchange(other.handle, {})) {}
    ~Generator() {
        if (handle)
            handle.destroy();
    }
    bool next() {
        std::coroutine_handle<promise_type>::from_promise(*handle.promise().leaf).resume();
        return !handle.done();
    }
    T const &value() { return *handle.promise().value; }
};
Generator<int> upto(int n) {
    for (int i = 0; i < n; i++)
        co_yield i;
}
Generator<int> tree(int depth) {
    if (depth == 0)
        co_return;
    co_yield tree(depth - 1);
    co_yield depth;
    co_yield tree(depth - 1);
}
// upto(5): 7 suspends, 6 resumes; upto(100), broken off: 4 and 3; tree(3), 15 of them: initial and
// final each, and three for each of the 7 inner ones.
// CHECK: tasks begun=17 ended=17 alive=0
// CHECK-NEXT: events suspend=62 pop=62 unsuspend=0 resume=45 destroy=17 unwind=0
// CHECK: violations=0
int main() {
    int sum = 0;
    for (auto g = upto(5); g.next();)
        sum += g.value();
    auto broken = upto(100);
    for (int i = 0; i < 3; i++)
        sum += broken.next() ? broken.value() : 1000;
    for (auto g = tree(3); g.next();)
        sum += g.value();
    return sum == 10 + 3 + 11 ? 0 : 1;
}
