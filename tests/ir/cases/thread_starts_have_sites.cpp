// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cxx -O0 -g -pthread %s %mock -o %t && %t | %check
// RUN: %cxx -O2 -g -pthread %s %mock -o %t && %t | %check
// RUN: %cxx -O2 -g -pthread %s -o %t && %t

#include <pthread.h>
#include <thread>

static void *start(void *arg) {
    return arg;
}
// <threads.h> of glibc, spelt for C++.
extern "C" {
using thrd_t = unsigned long;
int thrd_create(thrd_t *, int (*)(void *), void *);
int thrd_join(thrd_t, int *);
}
static int begin(void *) {
    return 0;
}

// CHECK: load abi=5 flags=0 alloc={{[0-9]+}} thread=3 coroutine=0 fiber=0
int main() {
    pthread_t id;
    // CHECK: pthread_create @[[@LINE+1]] main kind=21
    pthread_create(&id, nullptr, start, nullptr);
    pthread_join(id, nullptr);
    thrd_t other;
    // CHECK: thrd_create @[[@LINE+1]] main kind=21
    thrd_create(&other, begin, nullptr);
    thrd_join(other, nullptr);
    // CHECK: enter 0 @{{[0-9]+}} std::thread::thread<{{.*}} kind=21
    // CHECK: leave 0{{$}}
    std::thread thread([] {});
    thread.join();
    return 0;
}
