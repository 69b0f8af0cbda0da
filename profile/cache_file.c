// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#define _GNU_SOURCE // asprintf, mkostemp
#include "cache_file.h"
#include "internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *ms_cache_path(const struct ms_profile *profile, const char *suffix) {
    char *path;
    return profile->inode != 0 && asprintf(&path, "%s%s", profile->path, suffix) >= 0 ? path : NULL;
}

void *ms_cache_read(const char *path, size_t most, size_t *bytes_out) {
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    char *bytes = NULL;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == geteuid() &&
        file.st_size >= MS_CACHE_MAGIC_BYTES && (uint64_t)file.st_size <= most)
        bytes = malloc((size_t)file.st_size);
    size_t count = bytes ? (size_t)file.st_size : 0, done = 0;
    while (done < count) {
        ssize_t got = read(fd, bytes + done, count - done);
        if (got <= 0) {
            free(bytes);
            bytes = NULL;
            break;
        }
        done += (size_t)got;
    }
    close(fd);
    *bytes_out = count;
    return bytes;
}

bool ms_cache_write(const char *path, const void *head, size_t head_bytes, const void *content,
                    size_t content_bytes) {
    char *aside;
    if (asprintf(&aside, "%s.XXXXXX", path) < 0)
        return false;
    int fd = mkostemp(aside, O_CLOEXEC); // 0600
    bool good = fd >= 0;
    if (good) {
        FILE *out = fdopen(fd, "w");
        good = out && fwrite(head, 1, head_bytes, out) == head_bytes &&
               fwrite(content, 1, content_bytes, out) == content_bytes;
        if (out)
            good = fclose(out) == 0 && good;
        else
            close(fd);
        good = good && rename(aside, path) == 0;
        if (!good)
            unlink(aside);
    }
    free(aside);
    return good;
}

static bool is_taken(const char *path, const char *magic) {
    struct stat file;
    char found[MS_CACHE_MAGIC_BYTES] = "";
    if (lstat(path, &file) != 0)
        return false;
    int fd = S_ISREG(file.st_mode) && file.st_uid == geteuid()
                 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
                 : -1;
    bool ours = fd >= 0 && read(fd, found, sizeof found) == (ssize_t)sizeof found &&
                memcmp(found, magic, sizeof found) == 0;
    if (fd >= 0)
        close(fd);
    return !ours;
}

static bool is_our_profile(const struct ms_profile *profile) {
    struct stat file;
    return stat(profile->path, &file) == 0 && file.st_uid == geteuid() &&
           file.st_ino == profile->inode && file.st_dev == profile->device;
}

bool ms_cache_may_write(const struct ms_profile *profile, const char *path, const char *magic) {
    return is_our_profile(profile) && !is_taken(path, magic);
}
