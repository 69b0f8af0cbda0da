// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// steps.c STEP[:VALUE]…: does what its arguments say, in their order, keeping its own books. The
// scripts make hostile environments of these steps, before and between allocations.

#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// 2,048 functions with one allocation each: more sites than the profile's first chunk holds.
#define SITE(n)                                                                                    \
    __attribute__((noinline)) static void *site_##n(size_t size)                                   \
    {                                                                                              \
        return TRUTH(malloc(size), size);                                                          \
    }
#define NAME(n) site_##n,
#define R16(M, p)                                                                                  \
    M(p##0) M(p##1) M(p##2) M(p##3) M(p##4) M(p##5) M(p##6) M(p##7)                                \
    M(p##8) M(p##9) M(p##a) M(p##b) M(p##c) M(p##d) M(p##e) M(p##f)
#define R256(M, p)                                                                                 \
    R16(M, p##0) R16(M, p##1) R16(M, p##2) R16(M, p##3) R16(M, p##4) R16(M, p##5) R16(M, p##6)     \
    R16(M, p##7) R16(M, p##8) R16(M, p##9) R16(M, p##a) R16(M, p##b) R16(M, p##c) R16(M, p##d)     \
    R16(M, p##e) R16(M, p##f)
#define R2048(M)                                                                                   \
    R256(M, 0) R256(M, 1) R256(M, 2) R256(M, 3) R256(M, 4) R256(M, 5) R256(M, 6) R256(M, 7)
R2048(SITE)
static void *(*const sites[])(size_t) = {R2048(NAME)};

static void say(const char *what, long value)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%s %ld\n", what, value);
    if (write(1, text, (size_t)length) != length)
        _exit(90);
}

static int fail(const char *what)
{
    say(what, errno);
    return 91;
}

static int work(long count)
{
    for (long i = 0; i < count; ++i) {
        void *p = TRUTH(malloc((size_t)i + 1), (size_t)i + 1);
        if (p == NULL)
            return fail("malloc");
        if (i % 3)
            free(TRUTH_FREE(p));
    }
    return 0;
}

static int grow(long count)
{
    for (long i = 0; i < count && i < (long)(sizeof sites / sizeof *sites); ++i) {
        void *p = sites[i]((size_t)i + 1);
        if (p == NULL)
            return fail("malloc");
        if (i % 3)
            free(TRUTH_FREE(p));
    }
    return 0;
}

static int limit(__rlimit_resource_t resource, long value)
{
    struct rlimit limit;
    getrlimit(resource, &limit);
    limit.rlim_cur = value < 0 ? limit.rlim_max : (rlim_t)value;
    return setrlimit(resource, &limit) == 0 ? 0 : fail("setrlimit");
}

// Takes every free descriptor number for one empty file, which must stay empty (kept).
static int reuse(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return fail("open");
    while (dup(fd) >= 0)
        ;
    return 0;
}

static int kept(void)
{
    int fd = 3; // the first that reuse got
    return lseek(fd, 0, SEEK_END) == 0 ? 0 : fail("the program's file was written to");
}

static int fill(const char *path)
{
    static char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return fail("open");
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
    return 0;
}

static int fork_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        truth_begin_child();
        _exit(work(50) == 0 ? 17 : 92);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return fail("fork");
    say("child", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

// Until somebody has opened this fifo to write, and closed it.
static int wait_for(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return fail("open");
    while (read(fd, &byte, 1) > 0)
        ;
    close(fd);
    return 0;
}

static int count_descriptors(void)
{
    long count = 0;
    while (open("/dev/null", O_RDONLY) >= 0)
        ++count;
    say("descriptors", count);
    return 0;
}

static int step(const char *name, const char *value)
{
    long number = strtol(value, NULL, 0);
#define STEP(text, call)                                                                           \
    if (strcmp(name, text) == 0)                                                                   \
        return call;
    STEP("work", work(number))
    STEP("grow", grow(number))
    STEP("fsize", limit(RLIMIT_FSIZE, number))
    STEP("nofile", limit(RLIMIT_NOFILE, number))
    STEP("close", close_range(3, ~0u, 0) == 0 ? 0 : fail("close_range"))
    STEP("reuse", reuse(value))
    STEP("kept", kept())
    STEP("fill", fill(value))
    STEP("unlink", unlink(value) == 0 ? 0 : fail("unlink"))
    STEP("chroot", chroot(value) == 0 && chdir("/") == 0 ? 0 : fail("chroot"))
    STEP("chdir", chdir(value) == 0 ? 0 : fail("chdir"))
    STEP("setuid", setuid((uid_t)number) == 0 ? 0 : fail("setuid"))
    STEP("fork", fork_child())
    STEP("descriptors", count_descriptors())
    STEP("wait", wait_for(value))
    STEP("tell", (truth_print(), 0))
    STEP("say", (say(value, 0), 0))
    STEP("exit", (exit((int)number), 0))
    return fail(name);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; ++i) {
        char name[32];
        size_t length = strcspn(argv[i], ":");
        if (length >= sizeof name)
            return 93;
        memcpy(name, argv[i], length);
        name[length] = '\0';
        int status = step(name, argv[i] + length + (argv[i][length] == ':'));
        if (status != 0)
            return status;
    }
    return 0;
}
