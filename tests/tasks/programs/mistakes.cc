// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Annotations that do not fit, one by one: each is refused, and counted. Prints how many.

#include <memscope/memscope.h>

#include <cstdio>
#include <cstdlib>
#include <pthread.h>

static int mistakes;

static void wrong(memscope_status status, int line) {
    mistakes++;
    if (status != MEMSCOPE_MISTAKE) {
        fprintf(stderr, "line %d: status %d\n", line, (int)status);
        exit(1);
    }
}
#define WRONG(call) wrong(call, __LINE__)

static void right(memscope_status status, int line) {
    if (status != MEMSCOPE_OK) {
        fprintf(stderr, "line %d: status %d\n", line, (int)status);
        exit(1);
    }
}
#define RIGHT(call) right(call, __LINE__)

static void *elsewhere(void *task) {
    WRONG(memscope_task_end(*(memscope_task *)task)); // runs on another thread
    WRONG(memscope_task_resume(*(memscope_task *)task));
    return nullptr;
}

int main() {
    void *volatile p = malloc(100);
    WRONG(memscope_task_end(0));
    WRONG(memscope_task_end(0xdeadbeef00000001));
    WRONG(memscope_task_resume(~0ull));
    WRONG(memscope_task_set_label("root"));
    WRONG(memscope_task_set_name("root"));
    WRONG(memscope_task_detach());

    memscope_task one = memscope_task_create("one");
    WRONG(memscope_task_suspend(one)); // does not run
    RIGHT(memscope_task_resume(one));
    WRONG(memscope_task_resume(one));
    pthread_t thread;
    pthread_create(&thread, nullptr, elsewhere, &one);
    pthread_join(thread, nullptr);
    memscope_task two = memscope_task_begin("two");
    WRONG(memscope_task_suspend(one)); // not the innermost
    RIGHT(memscope_task_end(two));
    RIGHT(memscope_task_end(one));
    WRONG(memscope_task_end(one));
    WRONG(memscope_task_resume(one));
    WRONG(memscope_task_end(two));

    memscope_task outer = memscope_task_begin("outer");
    memscope_task left = memscope_task_begin("left running");
    RIGHT(memscope_task_end(outer)); // unbalanced: what it left above is dropped, and counted
    mistakes++;
    free(p);
    RIGHT(memscope_task_end(left));

    memscope_task fiber = memscope_fiber_create("fiber");
    WRONG(memscope_task_resume(fiber)); // a fiber is no scope
    RIGHT(memscope_fiber_switch(fiber));
    WRONG(memscope_fiber_destroy(fiber)); // it runs
    p = malloc(50);
    RIGHT(memscope_fiber_switch(0));
    RIGHT(memscope_fiber_destroy(fiber));
    WRONG(memscope_fiber_switch(fiber));
    WRONG(memscope_fiber_destroy(fiber));
    WRONG(memscope_fiber_switch(0x1234567800000009));
    free(p);
    printf("%d\n", mistakes);
}
