// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// measure FILE COMMAND…: runs COMMAND and writes what it took into FILE, as one JSON object:
// CPU time (user + system) and peak resident memory as the kernel accounts them for the process
// and the children it waited for, in nanoseconds and bytes, and the wall time. Nothing is rounded
// to clock ticks. Exits as COMMAND does, 128 + N on signal N.

#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int64_t in_ns(struct timeval time) {
    return time.tv_sec * 1000000000ll + time.tv_usec * 1000ll;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: measure FILE COMMAND...\n");
        return 2;
    }
    pid_t pid;
    int64_t start_ns = now_ns();
    // The child borrows our address space until exec: a copy would count as its resident memory.
    int error = posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ);
    if (error != 0) {
        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(error));
        return 127;
    }
    int status;
    struct rusage usage;
    while (wait4(pid, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            perror("measure: wait4");
            return 126;
        }
    }
    int64_t wall_ns = now_ns() - start_ns;
    FILE *file = fopen(argv[1], "w");
    if (!file) {
        fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
        return 126;
    }
    fprintf(file, "{\"cpu_ns\": %lld, \"wall_ns\": %lld, \"peak_rss_bytes\": %lld}\n",
            (long long)(in_ns(usage.ru_utime) + in_ns(usage.ru_stime)), (long long)wall_ns,
            usage.ru_maxrss * 1024ll);
    if (fclose(file) != 0) {
        perror("measure: close");
        return 126;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
