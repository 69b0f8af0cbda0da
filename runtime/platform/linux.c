// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// platform.h on Linux, by raw system calls: errno is never touched, nothing is allocated.

#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

// syscall(3) sets errno: it is put back, so that these are as silent as the instruction itself.
#define MS_SYSCALL(...)                                                                            \
    __extension__({                                                                                \
        int saved_errno = errno;                                                                   \
        long syscall_result = syscall(__VA_ARGS__);                                                \
        if (syscall_result == -1)                                                                  \
            syscall_result = -errno;                                                               \
        errno = saved_errno;                                                                       \
        syscall_result;                                                                            \
    })

static bool is_error(long result) {
    return result < 0 && result > -4096;
}

static void *map(void *at, size_t bytes, int protection, int flags, int fd, uint64_t offset) {
    long result = MS_SYSCALL(SYS_mmap, at, bytes, protection, flags, fd, offset);
    return is_error(result) ? NULL : (void *)result;
}

enum { POPULATE_WRITE = 23 }; // MADV_POPULATE_WRITE, Linux 5.14

// MAP_POPULATE makes a file's pages there, but not writable: each one's first change would be a
// page fault of its own.
bool ms_sys_map_file(void *at, size_t bytes, int fd, uint64_t offset) {
    enum { PROTECTION = PROT_READ | PROT_WRITE, SHARED = MAP_SHARED | MAP_FIXED };
    if (!map(at, bytes, PROTECTION, SHARED, fd, offset))
        return false;
    if (MS_SYSCALL(SYS_madvise, at, bytes, POPULATE_WRITE) != -EINVAL)
        return true;
    return map(at, bytes, PROTECTION, SHARED | MAP_POPULATE, fd, offset) != NULL;
}

bool ms_sys_map_private(void *at, size_t bytes, int fd) {
    return map(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, fd, 0);
}

bool ms_sys_allow(void *at, size_t bytes) {
    return MS_SYSCALL(SYS_mprotect, at, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool ms_sys_hide(void *at, size_t bytes) {
    return map(at, bytes, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != NULL;
}

void ms_sys_unmap(void *at, size_t bytes) {
    (void)MS_SYSCALL(SYS_munmap, at, bytes);
}

void ms_sys_populate(void *at, size_t bytes) {
    (void)MS_SYSCALL(SYS_madvise, at, bytes, POPULATE_WRITE);
}

void ms_sys_discard(void *at, size_t bytes) {
    (void)MS_SYSCALL(SYS_madvise, at, bytes, MADV_DONTNEED);
}

void ms_sys_huge(void *at, size_t bytes) {
    (void)MS_SYSCALL(SYS_madvise, at, bytes, MADV_HUGEPAGE);
}

bool ms_sys_wipe_on_fork(void *at, size_t bytes) {
    return MS_SYSCALL(SYS_madvise, at, bytes, MADV_WIPEONFORK) == 0;
}

static uint64_t limit(int resource) {
    struct rlimit64 value;
    if (MS_SYSCALL(SYS_prlimit64, 0, resource, NULL, &value) != 0)
        return UINT64_MAX;
    return value.rlim_cur == RLIM64_INFINITY ? UINT64_MAX : value.rlim_cur;
}

uint64_t ms_sys_address_space_limit(void) {
    return limit(RLIMIT_AS);
}

// /proc/self/statm begins with the number of mapped pages.
static uint64_t address_space_used(void) {
    char text[32];
    int fd = ms_sys_open_read("/proc/self/statm");
    int64_t length = fd < 0 ? 0 : ms_sys_read(fd, text, sizeof text);
    if (fd >= 0)
        ms_sys_close(fd);
    uint64_t pages = 0;
    for (int64_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        pages = pages * 10 + (uint64_t)(text[i] - '0');
    return pages * getauxval(AT_PAGESZ);
}

bool ms_sys_has_room(uint64_t bytes) {
    uint64_t most = limit(RLIMIT_AS);
    return most == UINT64_MAX || address_space_used() + bytes <= most - most / 8;
}

uintptr_t ms_sys_stack_limit(void) {
    const uint64_t most = 1ull << 30; // unlimited: as far below as nothing else is put
    uint64_t bytes = limit(RLIMIT_STACK);
    return bytes < most ? bytes : most;
}

uint64_t ms_sys_file_size_limit(void) {
    return limit(RLIMIT_FSIZE);
}

void *ms_sys_map_anonymous(size_t bytes) {
    if (!ms_sys_has_room(bytes))
        return NULL;
    return map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
               0);
}

void *ms_sys_reserve(size_t bytes) {
    if (!ms_sys_has_room(bytes))
        return NULL;
    return map(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int ms_sys_open_new(const char *path) {
    return (int)MS_SYSCALL(SYS_openat, AT_FDCWD, path,
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int ms_sys_open_existing(const char *path) {
    return (int)MS_SYSCALL(SYS_openat, AT_FDCWD, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0);
}

bool ms_sys_exists(const char *path) {
    struct statx found;
    return MS_SYSCALL(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &found) == 0;
}

int ms_sys_open_read(const char *path) {
    return (int)MS_SYSCALL(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

// Programs close, dup2 over and count on low descriptors: ours goes where they do not look.
int ms_sys_settle_fd(int fd) {
    enum { FEW = 64, USUAL = 1024 };
    uint64_t most = limit(RLIMIT_NOFILE);
    if (most <= FEW) {
        ms_sys_close(fd);
        return -1;
    }
    int wanted = most > USUAL ? 1000 : (int)most - 8;
    if (fd >= wanted)
        return fd;
    long high = MS_SYSCALL(SYS_fcntl, fd, F_DUPFD_CLOEXEC, wanted);
    if (is_error(high))
        return fd;
    ms_sys_close(fd);
    return (int)high;
}

void ms_sys_close(int fd) {
    (void)MS_SYSCALL(SYS_close, fd);
}

void ms_sys_remove(const char *path) {
    (void)MS_SYSCALL(SYS_unlinkat, AT_FDCWD, path, 0);
}

bool ms_sys_file_id(int fd, struct ms_file_id *id_out) {
    struct statx stat;
    if (MS_SYSCALL(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_INO, &stat) != 0)
        return false;
    id_out->device = (uint64_t)stat.stx_dev_major << 32 | stat.stx_dev_minor;
    id_out->inode = stat.stx_ino;
    return true;
}

// Not posix_fallocate: its fallback writes every block. Not past RLIMIT_FSIZE: that is a SIGXFSZ.
int ms_sys_allocate(int fd, uint64_t offset, uint64_t bytes) {
    if (offset + bytes > ms_sys_file_size_limit())
        return -EFBIG;
    long result;
    do
        result = MS_SYSCALL(SYS_fallocate, fd, 0, offset, bytes);
    while (result == -EINTR);
    return (int)result;
}

int64_t ms_sys_read(int fd, void *buffer, size_t bytes) {
    return MS_SYSCALL(SYS_read, fd, buffer, bytes);
}

int64_t ms_sys_read_link(const char *path, char *buffer, size_t bytes) {
    return MS_SYSCALL(SYS_readlinkat, AT_FDCWD, path, buffer, bytes);
}

// A program must not die of our writing: the signal of a closed pipe (SIGPIPE) or of a file at its
// size limit (SIGXFSZ) comes to this thread alone, is held back, and taken where it was not waiting
// before.
int64_t ms_sys_write(int fd, const void *buffer, size_t bytes) {
    const uint64_t both = 1ull << (SIGPIPE - 1) | 1ull << (SIGXFSZ - 1);
    const struct timespec at_once = {0, 0};
    uint64_t before = 0, waiting = 0;
    (void)MS_SYSCALL(SYS_rt_sigprocmask, SIG_BLOCK, &both, &before, sizeof both);
    (void)MS_SYSCALL(SYS_rt_sigpending, &waiting, sizeof waiting);
    int64_t written = MS_SYSCALL(SYS_write, fd, buffer, bytes);
    int raised = written == -EPIPE ? SIGPIPE : written == -EFBIG ? SIGXFSZ : 0;
    uint64_t ours = raised ? (1ull << (raised - 1)) & ~waiting : 0;
    if (ours != 0)
        (void)MS_SYSCALL(SYS_rt_sigtimedwait, &ours, NULL, &at_once, sizeof ours);
    (void)MS_SYSCALL(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
    return written;
}

int64_t ms_sys_write_at(int fd, const void *buffer, size_t bytes, uint64_t offset) {
    return MS_SYSCALL(SYS_pwrite64, fd, buffer, bytes, offset);
}

void ms_sys_block_signals(uint64_t *before_out) {
    const uint64_t all = ~0ull;
    (void)MS_SYSCALL(SYS_rt_sigprocmask, SIG_SETMASK, &all, before_out, sizeof all);
}

void ms_sys_restore_signals(uint64_t before) {
    (void)MS_SYSCALL(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
}

int ms_sys_make_private_folder(const char *path) {
    long made = MS_SYSCALL(SYS_mkdirat, AT_FDCWD, path, 0700);
    if (made != 0 && made != -EEXIST)
        return (int)made;
    struct statx stat;
    long seen = MS_SYSCALL(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW,
                           STATX_TYPE | STATX_MODE | STATX_UID, &stat);
    if (seen != 0)
        return (int)seen;
    if (!S_ISDIR(stat.stx_mode))
        return -ENOTDIR;
    if (stat.stx_uid != ms_sys_user_id() || (stat.stx_mode & 077) != 0)
        return -EPERM;
    return 0;
}

uint64_t ms_sys_clock_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ms_sys_clock_coarse_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ms_sys_clock_process_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ms_sys_clock_thread_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ms_sys_clock_realtime_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int32_t ms_sys_process_id(void) {
    return (int32_t)MS_SYSCALL(SYS_getpid);
}

int32_t ms_sys_parent_id(void) {
    return (int32_t)MS_SYSCALL(SYS_getppid);
}

int32_t ms_sys_thread_id(void) {
    return (int32_t)MS_SYSCALL(SYS_gettid);
}

uint32_t ms_sys_user_id(void) {
    return (uint32_t)MS_SYSCALL(SYS_geteuid);
}

bool ms_sys_thread_exists(int32_t thread_id) {
    return MS_SYSCALL(SYS_tgkill, ms_sys_process_id(), thread_id, 0) == 0;
}

void ms_sys_thread_name(char name_out[16]) {
    if (MS_SYSCALL(SYS_prctl, PR_GET_NAME, name_out, 0, 0, 0) != 0)
        name_out[0] = '\0';
}

void ms_sys_host_name(char *name_out, size_t bytes) {
    struct utsname names;
    const char *name = MS_SYSCALL(SYS_uname, &names) == 0 ? names.nodename : "unknown";
    size_t length = strlen(name);
    if (length >= bytes)
        length = bytes - 1;
    memcpy(name_out, name, length);
    name_out[length] = '\0';
}

bool ms_sys_privileged(void) {
    return getauxval(AT_SECURE) != 0;
}

uintptr_t ms_sys_program_entry(void) {
    return getauxval(AT_ENTRY);
}

uintptr_t ms_sys_loader(void) {
    return getauxval(AT_BASE);
}

bool ms_sys_on_signal_stack(void) {
    stack_t stack;
    return MS_SYSCALL(SYS_sigaltstack, NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK) != 0;
}

bool ms_sys_signal_stack(uintptr_t *low_out, uintptr_t *high_out) {
    stack_t stack;
    if (MS_SYSCALL(SYS_sigaltstack, NULL, &stack) != 0 || (stack.ss_flags & SS_ONSTACK) == 0)
        return false;
    *low_out = (uintptr_t)stack.ss_sp;
    *high_out = *low_out + stack.ss_size;
    return true;
}

void ms_sys_random(void *bytes_out, size_t bytes) {
    uint64_t words[2] = {ms_sys_clock_realtime_ns(),
                         ms_sys_clock_monotonic_ns() ^ (uint64_t)ms_sys_process_id() << 40};
    if (MS_SYSCALL(SYS_getrandom, bytes_out, bytes, GRND_NONBLOCK) == (long)bytes)
        return;
    for (size_t i = 0; i < bytes; i++) // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign)
        ((char *)bytes_out)[i] = ((const char *)words)[i % sizeof words];
}

void ms_sys_yield(void) {
    (void)MS_SYSCALL(SYS_sched_yield);
}

_Noreturn void ms_sys_exit(int code) {
    for (;;)
        (void)MS_SYSCALL(SYS_exit_group, code);
}
