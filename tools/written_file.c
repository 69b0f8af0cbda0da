// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files that verbs write for other programs. What is there already is somebody's work.

#define _GNU_SOURCE // asprintf
#include "stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *ms_path_beside(const char *profile_path, const char *suffix) {
    size_t length = strlen(profile_path), ending = strlen(MEMSCOPE_PROFILE_SUFFIX);
    char *path = NULL;
    if (length > ending && strcmp(profile_path + length - ending, MEMSCOPE_PROFILE_SUFFIX) == 0)
        length -= ending;
    if (asprintf(&path, "%.*s%s", (int)length, profile_path, suffix) < 0)
        return NULL;
    return path;
}

static bool is_same_file(const char *a, const char *b) {
    struct stat one, two;
    return stat(a, &one) == 0 && stat(b, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

// A pipe or a terminal has nothing to lose.
static bool is_regular(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

bool ms_write_begin(const struct ms_verb *verb, const char *path, bool force,
                    const struct ms_opened *opened, struct ms_written_file *file_out) {
    *file_out = (struct ms_written_file){.stream = stdout};
    if (strcmp(path, "-") == 0)
        return true;
    file_out->path = path;
    if (is_same_file(path, opened->path)) {
        ms_fail(verb, "%s is the profile itself", path);
        return false;
    }
    bool is_there = access(path, F_OK) == 0;
    if (is_there && is_regular(path) && !force) {
        ms_fail(verb, "%s is there already; --force replaces it", path);
        return false;
    }
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (is_there ? O_TRUNC : O_EXCL);
    int descriptor = open(path, flags, 0666);
    file_out->stream = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file_out->stream)
        return true;
    ms_fail(verb, "cannot write %s: %s", path, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return false;
}

int ms_write_end(const struct ms_verb *verb, struct ms_written_file *file, memscope_status status) {
    if (!file->path)
        return status == MEMSCOPE_OK ? ms_finish_output(verb)
                                     : ms_fail(verb, "%s", ms_status_text(status));
    errno = 0;
    bool is_bad = ferror(file->stream) != 0;
    is_bad |= fclose(file->stream) != 0;
    if (status == MEMSCOPE_OK && !is_bad)
        return MS_EXIT_DONE;
    int reason = errno;
    if (is_regular(file->path))
        unlink(file->path);
    if (status != MEMSCOPE_OK)
        return ms_fail(verb, "%s: %s", file->path, ms_status_text(status));
    return ms_fail(verb, "cannot write %s: %s", file->path,
                   reason ? strerror(reason) : "write error");
}
