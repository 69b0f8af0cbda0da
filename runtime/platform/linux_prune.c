// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keeping a folder of profiles small: the newest stay, and those of processes that still run.
// Called once, at start, without allocating. Raw system calls, as in linux.c.

#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <memscope/profile_format.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_FILES = 256 }; // a folder never grows beyond the limit by more than one run leaves

struct entry {
    uint64_t time_ns;
    char name[112]; // longer names are left alone
};

struct directory_entry { // as getdents64 returns it
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

static bool ends_with(const char *name, const char *suffix) {
    size_t length = strlen(name), tail = strlen(suffix);
    return length > tail && strcmp(name + length - tail, suffix) == 0;
}

static bool still_runs(int folder, const char *name) {
    struct memscope_profile_header header;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return true;
    bool whole = read(fd, &header, sizeof header) == (ssize_t)sizeof header;
    close(fd);
    return whole && header.state == MEMSCOPE_PROCESS_RUNNING && header.pid > 0 &&
           kill((pid_t)header.pid, 0) == 0;
}

static unsigned gather(int folder, const char *suffix, struct entry *entries) {
    static char buffer[8192] MS_ALIGNED(8);
    unsigned count = 0;
    long got;
    while ((got = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got;) {
            const struct directory_entry *found = (const void *)(buffer + at);
            at += found->length;
            struct stat stat;
            size_t length = strlen(found->name);
            if (count == MOST_FILES || length >= sizeof entries->name ||
                !ends_with(found->name, suffix) ||
                fstatat(folder, found->name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
                continue;
            memcpy(entries[count].name, found->name, length + 1);
            entries[count++].time_ns =
                (uint64_t)stat.st_mtim.tv_sec * 1000000000u + (uint64_t)stat.st_mtim.tv_nsec;
        }
    }
    return count;
}

int ms_sys_prune_folder(const char *path, const char *suffix, unsigned keep) {
    int saved_errno = errno;
    int removed = 0;
    size_t bytes = MOST_FILES * sizeof(struct entry);
    struct entry *entries = ms_sys_map_anonymous(bytes);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    unsigned count = entries && folder >= 0 ? gather(folder, suffix, entries) : 0;
    for (unsigned left = count; left > keep; left--) {
        unsigned oldest = 0;
        for (unsigned i = 1; i < count; i++)
            if (entries[i].time_ns < entries[oldest].time_ns)
                oldest = i;
        if (entries[oldest].time_ns == UINT64_MAX)
            break;
        entries[oldest].time_ns = UINT64_MAX;
        if (!still_runs(folder, entries[oldest].name))
            removed += unlinkat(folder, entries[oldest].name, 0) == 0;
    }
    if (folder >= 0)
        close(folder);
    if (entries)
        ms_sys_unmap(entries, bytes);
    errno = saved_errno;
    return removed;
}
