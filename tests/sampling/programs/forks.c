// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// forks: 20,000 blocks of 500 bytes before a fork, as many on each side after it.

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void pairs(void) {
    for (int i = 0; i < 20000; i++) {
        void *volatile block = malloc(500);
        free(block);
    }
}

int main(void) {
    int status = 1;
    pairs();
    pid_t child = fork();
    pairs();
    if (child == 0)
        return 0;
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
