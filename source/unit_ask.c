// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The process that parses: forked, asked by what it has inherited, its answer comes over a pipe.

#define _GNU_SOURCE // pipe2
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <profile/profile.h>

#define ANSWER_MOST ((size_t)64 << 20) // bytes
#define MEMORY_MOST (UINT64_C(8) << 30)

static void limit(void) {
    const struct rlimit no_core = {0, 0}, memory = {MEMORY_MOST, MEMORY_MOST};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)setrlimit(RLIMIT_DATA, &memory);
    prctl(PR_SET_PDEATHSIG, SIGKILL); // a report that is interrupted leaves nothing behind
}

static int write_all(const char *bytes, size_t count, void *data) {
    int fd = *(int *)data;
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

static void answer(int fd, const struct ms_command *command, const char *libclang,
                   const struct ms_wanted *wanted, size_t count) {
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    limit();
    for (int i = STDIN_FILENO; i <= STDERR_FILENO && nowhere >= 0; i++)
        (void)dup2(nowhere, i);
    json_t *whole = ms_unit_parse(command, libclang, wanted, count);
    _exit(whole && json_dump_callback(whole, write_all, &fd, JSON_COMPACT) == 0 ? 0 : 1);
}

// Up to the end of the answer; false = it did not come in time, or is too long.
static bool receive(int fd, uint64_t deadline_ns, char **text_out, size_t *length_out) {
    struct pollfd wait_for = {.fd = fd, .events = POLLIN};
    size_t capacity = 0;
    for (;;) {
        uint64_t now_ns = ms_clock_ns(CLOCK_MONOTONIC);
        if (now_ns >= deadline_ns)
            return false;
        if (capacity - *length_out < 4096) {
            capacity = capacity ? 2 * capacity : 65536;
            char *text = capacity <= ANSWER_MOST ? realloc(*text_out, capacity) : NULL;
            if (!text)
                return false;
            *text_out = text;
        }
        uint64_t left_ms = (deadline_ns - now_ns) / 1000000u + 1;
        int ready = poll(&wait_for, 1, left_ms > 1000 ? 1000 : (int)left_ms);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        ssize_t got = read(fd, *text_out + *length_out, capacity - *length_out);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        *length_out += (size_t)got;
    }
}

json_t *ms_unit_ask(const struct ms_command *command, const char *libclang,
                    const struct ms_wanted *wanted, size_t count, uint64_t deadline_ns) {
    int ends[2], status = 0;
    char *text = NULL;
    size_t length = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return json_pack("{s:s}", "error", "no pipe can be made");
    pid_t pid = fork();
    if (pid == 0)
        answer(ends[1], command, libclang, wanted, count);
    close(ends[1]);
    bool in_time = pid > 0 && receive(ends[0], deadline_ns, &text, &length);
    close(ends[0]);
    if (pid > 0 && !in_time)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    json_t *whole = in_time && length > 0 ? json_loadb(text, length, 0, NULL) : NULL;
    free(text);
    if (whole)
        return whole;
    return json_pack("{s:s}", "error",
                     pid < 0    ? "no process can be started"
                     : !in_time ? "it takes too long"
                                : "libclang crashed on it");
}
