// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// measure FILE COMMAND…: runs COMMAND and writes what it took into FILE, as one JSON object, in
// nanoseconds and bytes: CPU time (user + system) as the kernel accounts it for COMMAND and every
// process it started, also those it did not wait for, peak resident memory of the largest of them,
// and the wall time until COMMAND ended. Nothing is rounded to clock ticks. Ends when the last of
// those processes has, and exits as COMMAND did, 128 + N on signal N.

#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
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

struct taken {
    int64_t cpu_ns, wall_ns, peak_rss_bytes;
    int status;
};

// Until nobody is left. What a process leaves behind is ours to wait for, as a subreaper's; what it
// waited for itself is in its own usage. Returns false with errno set where waiting failed.
static bool wait_for_all(pid_t command, int64_t start_ns, struct taken *taken) {
    for (;;) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, 0, &usage);
        if (pid < 0 && errno == EINTR) {
            continue;
        }
        if (pid < 0) {
            return errno == ECHILD;
        }
        if (pid == command) {
            taken->wall_ns = now_ns() - start_ns;
            taken->status = status;
        }
        taken->cpu_ns += in_ns(usage.ru_utime) + in_ns(usage.ru_stime);
        if (usage.ru_maxrss * 1024ll > taken->peak_rss_bytes) {
            taken->peak_rss_bytes = usage.ru_maxrss * 1024ll;
        }
    }
}

static bool write_down(const char *name, const struct taken *taken) {
    FILE *file = fopen(name, "w");
    if (!file) {
        return false;
    }
    fprintf(file, "{\"cpu_ns\": %lld, \"wall_ns\": %lld, \"peak_rss_bytes\": %lld}\n",
            (long long)taken->cpu_ns, (long long)taken->wall_ns, (long long)taken->peak_rss_bytes);
    return fclose(file) == 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: measure FILE COMMAND...\n");
        return 2;
    }
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        perror("measure: prctl");
        return 126;
    }
    pid_t pid;
    struct taken taken = {0};
    int64_t start_ns = now_ns();
    // The child borrows our address space until exec: a copy would count as its resident memory.
    int error = posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ);
    if (error != 0) {
        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(error));
        return 127;
    }
    if (!wait_for_all(pid, start_ns, &taken)) {
        perror("measure: wait4");
        return 126;
    }
    if (!write_down(argv[1], &taken)) {
        fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
        return 126;
    }
    return WIFSIGNALED(taken.status) ? 128 + WTERMSIG(taken.status) : WEXITSTATUS(taken.status);
}
