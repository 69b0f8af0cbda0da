// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Name, file, line, promise and suspend points; without -g no file, line and type. An awaiter's
// size is that of the object that await_suspend is called on. A suspension has its line, if that is
// in the file of its coroutine.
//
// MAJORS: 19 22
// RUN: %cxx -std=c++20 -O0 -g -I%S -S -emit-llvm %s -o - | %check
// RUN: %cxx -std=c++20 -O1 -g -I%S -S -emit-llvm %s -o - | grep "space::Box<int>::Promise.00"
// RUN: %cxx -std=c++20 -O1 -I%S -S -emit-llvm %s -o - | %check --check-prefix=BARE
// RUN: %cxx -std=c++20 -O0 -g -I%S %s %witness -o %t && WITNESS=events %t | %check --check-prefix=EVENT

#include "task.h"

namespace space {
template <typename T> struct Box {
    struct Promise {
        long double value[2];
        Box get_return_object() { return {std::coroutine_handle<Promise>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(T) { return {}; }
        void return_void() {}
        void unhandled_exception() { throw; }
    };
    using promise_type = Promise;
    std::coroutine_handle<Promise> handle;
};
} // namespace space
struct Wide {
    long words[5];
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<>) {}
    void await_resume() {}
};
#define ELSEWHERE co_await elsewhere
// EVENT: suspend 1 kind=3 awaiter=1 line=[[@LINE+7]]
// EVENT: suspend 1 kind=0 awaiter=40 line=[[@LINE+7]]
// EVENT: suspend 1 kind=0 awaiter=40 line=[[@LINE+7]]
// EVENT: suspend 1 kind=0 awaiter=40 line=0
// EVENT: suspend 1 kind=2 awaiter=1 line=0
// EVENT: violations=0
space::Box<int> boxed(Wide &elsewhere) {
    co_yield 1;
    co_await Wide{};
    ELSEWHERE;
#line 7 "another_file.cpp"
    co_await elsewhere;
#line 50 "coroutine_descriptors_tell_the_function.cpp"
}
int main() {
    Wide wide{};
    auto box = boxed(wide);
    while (!box.handle.done())
        box.handle.resume();
    box.handle.destroy();
    return 0;
}
// CHECK: @[[NAME:memscope.text[.0-9]*]] = private {{.*}}c"boxed(Wide&)\00"
// CHECK: @[[FILE:memscope.text[.0-9]*]] = private {{.*}}c"/{{.*}}/coroutine_descriptors_tell_the_function.cpp\00"
// CHECK: @[[TYPE:memscope.text[.0-9]*]] = private {{.*}}c"space::Box<int>::Promise\00"
// CHECK: @memscope.coroutine._Z5boxedR4Wide = private global {{.*}} { i32 1, i32 32, i32 [[@LINE-19]], i32 0, ptr @[[NAME]], ptr @[[FILE]], ptr @[[TYPE]], i32 3, i32 1 }
// BARE: @memscope.coroutine._Z5boxedR4Wide = private global {{.*}} { i32 1, i32 32, i32 0, i32 0, ptr @{{.*}}, ptr null, ptr null, i32 3, i32 1 }
