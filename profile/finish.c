// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only function on the reader's side that writes into a profile: how a process ended, where it
// could not say so itself.

#include "profile.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_AT(member) ((off_t)offsetof(struct memscope_profile_header, member))

static bool put(int fd, const void *value, size_t bytes, off_t offset) {
    return pwrite(fd, value, bytes, offset) == (ssize_t)bytes;
}

memscope_status ms_profile_write_exit(const char *path, const struct ms_exit_facts *facts) {
    struct memscope_profile_header header;
    struct stat file;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return MEMSCOPE_IO;
    memscope_status status = MEMSCOPE_IO;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) ||
        pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
        goto cleanup;
    status = MEMSCOPE_NOT_A_PROFILE;
    if (memcmp(header.magic, MEMSCOPE_PROFILE_MAGIC, sizeof header.magic) != 0 ||
        header.version != MEMSCOPE_PROFILE_VERSION)
        goto cleanup;
    status = MEMSCOPE_OK;
    if (header.state != MEMSCOPE_PROCESS_RUNNING)
        goto cleanup;
    // The state last: who reads it finds the rest in place.
    if ((header.end_monotonic_ns == 0 &&
         !put(fd, &facts->end_monotonic_ns, sizeof facts->end_monotonic_ns,
              HEADER_AT(end_monotonic_ns))) ||
        !put(fd, &facts->exit_code, sizeof facts->exit_code, HEADER_AT(exit_code)) ||
        !put(fd, &facts->exit_signal, sizeof facts->exit_signal, HEADER_AT(exit_signal)) ||
        !put(fd, &facts->state, sizeof facts->state, HEADER_AT(state)))
        status = MEMSCOPE_IO;
cleanup:
    close(fd);
    return status;
}
