// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether a profile's process is still there, told by its memory map: pids are used again, mapped
// files are not.

#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

// One line of /proc/PID/maps: does it map this file? On file systems with devices of their own
// (btrfs, overlayfs) the kernel prints another device than stat: there the name decides.
static bool maps_file(const char *line, const struct ms_profile *profile, const char *real_path) {
    unsigned device_major, device_minor;
    unsigned long long inode;
    int name_at = 0;
    if (sscanf(line, "%*x-%*x %*s %*x %x:%x %llu %n", &device_major, &device_minor, &inode,
               &name_at) < 3 ||
        inode != profile->inode)
        return false;
    if (makedev(device_major, device_minor) == profile->device)
        return true;
    size_t length = strlen(real_path);
    return name_at > 0 && length > 0 && strncmp(line + name_at, real_path, length) == 0;
}

enum ms_process_state ms_profile_process_state(const struct ms_profile *profile) {
    const struct memscope_profile_header *header = &profile->header;
    if (header->state == MEMSCOPE_PROCESS_EXITED)
        return MS_PROCESS_EXITED;
    if (header->state == MEMSCOPE_PROCESS_SIGNALED)
        return MS_PROCESS_SIGNALED;
    if (header->flags & MEMSCOPE_PROFILE_COPY)
        return MS_PROCESS_COPIED;
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/maps", header->pid);
    FILE *maps = profile->inode != 0 ? fopen(path, "re") : NULL;
    if (!maps)
        return errno == EACCES || errno == EPERM ? MS_PROCESS_UNCERTAIN : MS_PROCESS_VANISHED;
    char *real_path = realpath(profile->path, NULL);
    enum ms_process_state state = MS_PROCESS_VANISHED;
    char *line = NULL;
    size_t capacity = 0;
    errno = 0;
    while (state == MS_PROCESS_VANISHED && getline(&line, &capacity, maps) > 0)
        if (maps_file(line, profile, real_path ? real_path : ""))
            state = MS_PROCESS_RUNNING;
    if (state == MS_PROCESS_VANISHED && (errno == EACCES || errno == EPERM))
        state = MS_PROCESS_UNCERTAIN; // the kernel refuses at the first read
    free(line);
    free(real_path);
    fclose(maps);
    return state;
}

uint64_t ms_clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ms_profile_duration_ns(const struct ms_profile *profile, enum ms_process_state state) {
    const struct memscope_profile_header *header = &profile->header;
    if (header->end_monotonic_ns != 0)
        return ms_sub(header->end_monotonic_ns, header->start_monotonic_ns);
    if (state != MS_PROCESS_RUNNING)
        return 0;
    return ms_sub(ms_clock_ns(CLOCK_MONOTONIC), header->start_monotonic_ns);
}
