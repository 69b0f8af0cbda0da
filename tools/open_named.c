// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opens the profile a user means: a file, the profile of a process, or the newest.

#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ms_library_folder(char *path_out, size_t path_bytes) {
    char self[4096], candidate[4096 + 8];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return false;
    self[length] = '\0';
    for (int up = 0; up < 2; up++) { // past the name, then past bin/
        char *slash = strrchr(self, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
    snprintf(candidate, sizeof candidate, "%s/lib", self);
    if (strlen(candidate) >= path_bytes)
        return false;
    strcpy(path_out, candidate);
    return true;
}

static bool is_pid(const char *name) {
    return *name && strspn(name, "0123456789") == strlen(name) && strlen(name) < 10 &&
           atol(name) > 0 && access(name, F_OK) != 0; // a file of that name comes first
}

static bool find(const struct ms_verb *verb, const char *name, char **path_out) {
    memscope_status status;
    char folder[4096];
    if (!name) {
        status = ms_find_newest(0, path_out);
    } else if (is_pid(name)) {
        status = ms_find_mapped((pid_t)atol(name), path_out);
        if (status != MEMSCOPE_OK)
            status = ms_find_newest((pid_t)atol(name), path_out);
    } else {
        *path_out = strdup(name);
        status = *path_out ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
    }
    if (status == MEMSCOPE_OK)
        return true;
    ms_default_folder(folder, sizeof folder);
    if (status != MEMSCOPE_NOT_FOUND)
        ms_fail(verb, "%s", ms_status_text(status));
    else if (name)
        ms_fail(verb,
                "no profile of process %s: it has none mapped, and none is in the current folder "
                "(memscope.*%s) or in %s",
                name, MEMSCOPE_PROFILE_SUFFIX, folder);
    else
        ms_fail(verb,
                "no profile in the current folder (memscope.*%s) or in %s; `memscope run PROGRAM` "
                "makes one",
                MEMSCOPE_PROFILE_SUFFIX, folder);
    return false;
}

bool ms_open_named(const struct ms_verb *verb, const char *name, struct ms_opened *opened_out) {
    *opened_out = (struct ms_opened){0};
    if (!find(verb, name, &opened_out->path))
        return false;
    memscope_status status =
        ms_profile_open(opened_out->path, &opened_out->profile, opened_out->message);
    if (opened_out->message[0]) {
        char *clean = ms_clean(opened_out->message);
        ms_fail(verb, "%s", clean ? clean : ms_status_text(status));
        free(clean);
    }
    if (opened_out->profile &&
        (status = ms_summary_create(opened_out->profile, &opened_out->summary)) != MEMSCOPE_OK)
        ms_fail(verb, "%s: %s", opened_out->path, ms_status_text(status));
    if (opened_out->summary)
        return true;
    ms_opened_close(opened_out);
    return false;
}

void ms_opened_close(struct ms_opened *opened) {
    ms_summary_destroy(opened->summary);
    ms_profile_close(opened->profile);
    free(opened->path);
    opened->summary = NULL;
    opened->profile = NULL;
    opened->path = NULL;
}
