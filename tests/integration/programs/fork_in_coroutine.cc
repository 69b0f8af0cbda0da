// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fork_in_coroutine fork|under_fork: a coroutine forks; parent and child go on with it and with
// another that was suspended by then. The parent's counts must not have the child's.

#include "coroutines.h"

#include <cstdlib>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

extern "C" pid_t _Fork(void);

using Task = held<>;

static void *volatile kept;

__attribute__((noinline)) static Task allocating() {
    for (;;) {
        kept = std::malloc(10);
        co_await std::suspend_always{};
    }
}

__attribute__((noinline)) static Task forking(bool under, Task other, pid_t *child) {
    co_await std::suspend_always{};
    *child = under ? _Fork() : fork();
    for (int i = 0; *child == 0 && i < 5; i++)
        other.handle.resume();
    co_await std::suspend_always{};
    kept = std::malloc(20);
}

int main(int argc, char **argv) {
    pid_t child;
    Task other = allocating();
    for (int i = 0; i < 3; i++)
        other.handle.resume();
    Task task = forking(argc > 1 && std::strcmp(argv[1], "under_fork") == 0, other, &child);
    task.handle.resume();
    task.handle.resume();
    int status = 0;
    if (child != 0 && (waitpid(child, &status, 0) != child || status != 0))
        return 1;
    task.handle.resume();
    other.handle.resume();
    task.handle.destroy();
    other.handle.destroy();
    return 0;
}
