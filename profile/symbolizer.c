// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// llvm-symbolizer as a process of ours: one question a line, one answer a line, over a pair of
// sockets. It is started without a shell, its words to stderr go nowhere, and it never asks the
// network (debuginfod).

#define _GNU_SOURCE // pipe2
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MOST (1u << 20) // bytes

struct ms_symbolizer {
    pid_t pid;
    int fd;
    char *answer; // and, behind it, nothing: one question, one answer
    size_t length, capacity;
};

// In the child. A failed exec of every name writes a byte; a good one closes the pipe.
static void become(const char *const *names, int fd, int report_fd) {
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL); // a report that is interrupted leaves nothing behind
    unsetenv("DEBUGINFOD_URLS");
    if (nowhere >= 0 && dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
        dup2(nowhere, STDERR_FILENO) >= 0)
        for (; *names; names++)
            execvp(*names, (char *const[]){(char *)*names, (char *)"--output-style=JSON", NULL});
    ssize_t written = write(report_fd, "!", 1);
    _exit(written == 1 ? 127 : 126);
}

static struct ms_symbolizer *started(pid_t pid, int fd) {
    struct ms_symbolizer *symbolizer = calloc(1, sizeof *symbolizer);
    if (symbolizer)
        *symbolizer = (struct ms_symbolizer){.pid = pid, .fd = fd};
    return symbolizer;
}

struct ms_symbolizer *ms_symbolizer_start(const char *program) {
    static const char *const installed[] = {"llvm-symbolizer-19", "llvm-symbolizer", NULL};
    const char *const given[] = {program, NULL};
    const char *const *names = program ? given : installed;
    int ends[2] = {-1, -1}, report[2] = {-1, -1};
    struct ms_symbolizer *symbolizer = NULL;
    pid_t pid = -1;
    char failed;
    // Above 2, so that no end is lost where a standard stream is closed.
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
        pipe2(report, O_CLOEXEC) != 0 || ends[1] <= STDERR_FILENO || report[1] <= STDERR_FILENO)
        goto cleanup;
    pid = fork();
    if (pid == 0)
        become(names, ends[1], report[1]);
    close(report[1]);
    report[1] = -1;
    ssize_t count = 1;
    while (pid > 0 && (count = read(report[0], &failed, 1)) < 0 && errno == EINTR)
        ;
    if (pid > 0 && count == 0)
        symbolizer = started(pid, ends[0]);
    if (symbolizer)
        ends[0] = -1;
cleanup:
    if (pid > 0 && !symbolizer) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
        if (report[i] >= 0)
            close(report[i]);
    }
    return symbolizer;
}

void ms_symbolizer_stop(struct ms_symbolizer *symbolizer) {
    if (!symbolizer)
        return;
    close(symbolizer->fd);
    kill(symbolizer->pid, SIGKILL); // it holds nothing of worth
    waitpid(symbolizer->pid, NULL, 0);
    free(symbolizer->answer);
    free(symbolizer);
}

// A path that a question can hold between its quotes.
static bool can_be_asked(const char *path) {
    for (const char *at = path; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == '"' || *at == 0x7F)
            return false;
    return true;
}

static bool send_all(int fd, const char *text, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        text += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool make_room(struct ms_symbolizer *symbolizer) {
    if (symbolizer->capacity - symbolizer->length > 4096)
        return true;
    size_t capacity = symbolizer->capacity ? 2 * symbolizer->capacity : 16384;
    char *answer = capacity <= ANSWER_MOST ? realloc(symbolizer->answer, capacity) : NULL;
    if (!answer)
        return false;
    symbolizer->answer = answer;
    symbolizer->capacity = capacity;
    return true;
}

// Reads on until a line is whole.
static bool receive(struct ms_symbolizer *symbolizer, uint64_t deadline_ns) {
    struct pollfd wait_for = {.fd = symbolizer->fd, .events = POLLIN};
    symbolizer->length = 0;
    for (;;) {
        uint64_t now_ns = ms_clock_ns(CLOCK_MONOTONIC);
        if (now_ns >= deadline_ns || !make_room(symbolizer))
            return false;
        uint64_t left_ms = (deadline_ns - now_ns) / 1000000u + 1;
        int ready = poll(&wait_for, 1, left_ms > 1000 ? 1000 : (int)left_ms);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        ssize_t count = read(symbolizer->fd, symbolizer->answer + symbolizer->length,
                             symbolizer->capacity - symbolizer->length - 1);
        if (count <= 0)
            return false;
        symbolizer->length += (size_t)count;
        if (symbolizer->answer[symbolizer->length - 1] == '\n') {
            symbolizer->answer[symbolizer->length - 1] = '\0';
            return true;
        }
    }
}

const char *ms_symbolizer_ask(struct ms_symbolizer *symbolizer, const char *path, uint64_t address,
                              uint64_t deadline_ns) {
    char *question = NULL;
    size_t length = 0;
    if (!can_be_asked(path))
        return "";
    FILE *out = open_memstream(&question, &length);
    if (!out)
        return NULL;
    fprintf(out, "CODE \"%s\" 0x%" PRIx64 "\n", path, address);
    bool good = fclose(out) == 0 && send_all(symbolizer->fd, question, length) &&
                receive(symbolizer, deadline_ns);
    free(question);
    return good ? symbolizer->answer : NULL;
}
