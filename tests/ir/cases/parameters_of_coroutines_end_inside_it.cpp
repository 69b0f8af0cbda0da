// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies of parameters by value are destroyed, and may start and end coroutines, before the end.
//
// MAJORS: 19 22
// RUN: %coroutines

#include "task.h"

Task leaf() { co_return 1; }
struct Starts {
    int *count;
    explicit Starts(int *c) : count(c) {}
    Starts(Starts &&other) : count(std::exchange(other.count, nullptr)) {}
    ~Starts() {
        if (count)
            *count += leaf().run();
    }
};
Task work(Starts, Starts second) {
    Starts local(std::move(second));
    co_return co_await leaf();
}
// work and its leaf, two leaves by destructors, twice; once never started: two leaves.
// CHECK: tasks begun=11 ended=11 alive=0
// CHECK-NEXT: events suspend=23 pop=23 unsuspend=0 resume=12 destroy=11 unwind=0
// CHECK: violations=0
int main() {
    int count = 0;
    int sum = work(Starts(&count), Starts(&count)).run();
    sum += work(Starts(&count), Starts(&count)).run();
    { Task never = work(Starts(&count), Starts(&count)); }
    return sum == 2 && count == 6 ? 0 : 1;
}
