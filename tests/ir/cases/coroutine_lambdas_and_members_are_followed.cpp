// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lambdas with captures, static, const, virtual and template members.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

struct Base {
    int n = 1;
    virtual ~Base() {}
    virtual Task overridden() { co_return n; }
    static Task shared(int n) { co_return n; }
    template <typename T> Task of(T v) const { co_return n + static_cast<int>(v); }
};
struct Derived : Base {
    Task overridden() override { co_return 10 * co_await Base::overridden(); }
};
// 7 tasks, each with initial and final; one awaits.
// CHECK: tasks begun=7 ended=7 alive=0
// CHECK-NEXT: events suspend=15 pop=15 unsuspend=0 resume=8 destroy=7 unwind=0
// CHECK: violations=0
int main() {
    Derived derived;
    Base &base = derived;
    int capture = 4;
    auto by_reference = [&]() -> Task { co_return capture; };
    auto by_value = [capture](int more) -> Task { co_return capture + more; };
    int sum = base.overridden().run() + Base::shared(2).run() + base.of(3L).run() +
              base.of(2.5).run() + by_reference().run() + by_value(5).run();
    return sum == 10 + 2 + 4 + 3 + 4 + 9 ? 0 : 1;
}
