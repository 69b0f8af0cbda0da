// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#define _GNU_SOURCE // asprintf
#include "export_rs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <report/memscope_rs.h>

#include "stacks.h"

static char *path_in(const char *folder, const char *name) {
    size_t length = strlen(folder);
    char *path;
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

// Before any is written: half of a set is of no use.
static bool may_write_all(const struct ms_verb *verb, const char *folder, bool force) {
    for (size_t i = 0; !force && ms_rs_file_name(i); i++) {
        char *path = path_in(folder, ms_rs_file_name(i));
        bool is_there = path && access(path, F_OK) == 0;
        if (is_there)
            ms_fail(verb, "%s is there already; --force replaces it", path);
        free(path);
        if (is_there)
            return false;
    }
    return true;
}

static bool make_folder(const struct ms_verb *verb, const char *folder) {
    struct stat status;
    if (mkdir(folder, 0777) == 0)
        return true;
    int reason = errno;
    if (reason == EEXIST && stat(folder, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    ms_fail(verb, "cannot make the folder %s: %s", folder,
            reason == EEXIST ? "a file of that name is there" : strerror(reason));
    return false;
}

static int write_file(const struct ms_verb *verb, const struct ms_opened *opened,
                      const struct ms_rs *rs, size_t index, bool force, const char *folder) {
    struct ms_written_file file;
    char *path = path_in(folder, ms_rs_file_name(index));
    int code = MS_EXIT_FAILED;
    if (!path)
        ms_fail(verb, "out of memory");
    else if (ms_write_begin(verb, path, force, opened, &file))
        code = ms_write_end(verb, &file, ms_put_rs_file(rs, index, file.stream));
    free(path);
    return code;
}

static bool prepare(const struct ms_verb *verb, const struct ms_opened *opened,
                    struct ms_rs **rs_out) {
    ms_resolve_sites(verb, opened->summary);
    memscope_status status = ms_rs_create(opened->summary, rs_out);
    if (status != MEMSCOPE_OK)
        ms_fail(verb, "%s: %s", opened->path, ms_status_text(status));
    return status == MEMSCOPE_OK;
}

int ms_export_rs_files(const struct ms_verb *verb, const struct ms_opened *opened, bool force,
                       const char *folder) {
    struct ms_rs *rs;
    size_t count = 0;
    int code = MS_EXIT_DONE;
    if (!make_folder(verb, folder) || !may_write_all(verb, folder, force) ||
        !prepare(verb, opened, &rs))
        return MS_EXIT_FAILED;
    for (; code == MS_EXIT_DONE && ms_rs_file_name(count); count++)
        code = write_file(verb, opened, rs, count, force, folder);
    if (code == MS_EXIT_DONE)
        fprintf(stderr, "wrote %zu files into %s\n", count, folder);
    ms_rs_destroy(rs);
    return code;
}

int ms_export_rs_strategy(const struct ms_verb *verb, const struct ms_opened *opened, bool force,
                          const char *path) {
    struct ms_written_file file;
    struct ms_rs *rs;
    int code = MS_EXIT_FAILED;
    if (!prepare(verb, opened, &rs))
        return code;
    if (ms_write_begin(verb, path, force, opened, &file)) {
        code = ms_write_end(verb, &file, ms_put_rs_strategy(rs, file.stream));
        if (code == MS_EXIT_DONE && file.path)
            fprintf(stderr, "wrote %s\n", path);
    }
    ms_rs_destroy(rs);
    return code;
}
