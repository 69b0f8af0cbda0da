// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "sources.h"

#include <errno.h>
#include <fcntl.h>
#include <md5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <profile/grow.h>

#define SOURCE_MOST (256 << 20) // bytes

// Of the plugin, or of the line table; from the module itself, or from the file of its debug info.
static bool read_table(const char *own, const char *debug, struct ms_line_table *table) {
    bool (*const readers[])(const char *, struct ms_line_table *) = {ms_line_table_read_sums,
                                                                     ms_line_table_read};
    const char *const paths[] = {own, debug};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            if (paths[k] && readers[i](paths[k], table))
                return true;
            ms_line_table_free(table);
        }
    return false;
}

bool ms_sources_read(const struct ms_summary *summary, const char *const *debug_paths,
                     struct ms_sources *sources) {
    struct stat status;
    sources->modules = calloc(summary->module_count + 1, sizeof *sources->modules);
    if (!sources->modules)
        return false;
    for (size_t i = 0; i < summary->module_count; i++) {
        const struct ms_module *module = &summary->modules[i];
        struct ms_built_module *built = &sources->modules[sources->count];
        if (module->first != i)
            continue;
        char *own = ms_module_own_file(summary, module);
        char *debug = ms_module_debug_file(summary, module, debug_paths);
        if ((own || debug) && stat(own ? own : debug, &status) == 0 &&
            read_table(own, debug, &built->table)) {
            built->module = module;
            built->modified_s = status.st_mtim.tv_sec;
            sources->count++;
        }
        free(own);
        free(debug);
    }
    return true;
}

void ms_sources_free(struct ms_sources *sources) {
    for (size_t i = 0; i < sources->count; i++)
        ms_line_table_free(&sources->modules[i].table);
    free(sources->modules);
    *sources = (struct ms_sources){0};
}

static const struct ms_line_file *file_in(const struct ms_line_unit *unit, const char *file) {
    for (size_t i = 0; i < unit->count; i++)
        if (strcmp(unit->files[i].path, file) == 0)
            return &unit->files[i];
    return NULL;
}

struct ms_built_in *ms_sources_units(const struct ms_sources *sources, const char *file,
                                     size_t *count_out) {
    struct ms_built_in *units = NULL;
    size_t count = 0, capacity = 0;
    for (size_t m = 0; m < sources->count; m++) {
        const struct ms_built_module *module = &sources->modules[m];
        for (size_t i = 0; i < module->table.count; i++) {
            if (!file_in(&module->table.units[i], file))
                continue;
            struct ms_built_in *more = ms_grown(units, &capacity, count, sizeof *units);
            if (!more) {
                *count_out = count;
                return units;
            }
            units = more;
            units[count++] = (struct ms_built_in){module, &module->table.units[i]};
        }
    }
    *count_out = count;
    return units;
}

// errno where it cannot be read.
static int md5_of(const char *path, uint8_t md5[MS_MD5_BYTES]) {
    static char buffer[65536];
    struct stat status;
    MD5_CTX context;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno;
    int error = fstat(fd, &status) != 0 ? errno : 0;
    if (!error && (!S_ISREG(status.st_mode) || status.st_size > SOURCE_MOST))
        error = EINVAL;
    MD5Init(&context);
    while (!error && (got = read(fd, buffer, sizeof buffer)) > 0)
        MD5Update(&context, (const uint8_t *)buffer, (size_t)got);
    if (got < 0)
        error = errno;
    MD5Final(md5, &context);
    close(fd);
    return error;
}

// The one checksum that the tables have of the file; else what is wrong with it.
static const char *told_md5(const char *file, const struct ms_built_in *units, size_t count,
                            uint8_t md5[MS_MD5_BYTES]) {
    if (count == 0)
        return "no module that is there tells its checksum (clang with -gdwarf-5 does)";
    for (size_t i = 0; i < count; i++) {
        const struct ms_line_file *found = file_in(units[i].unit, file);
        if (!found->has_md5)
            return "the debug info has no checksum of it (-gdwarf-5)";
        if (i == 0)
            memcpy(md5, found->md5, MS_MD5_BYTES);
        else if (memcmp(md5, found->md5, MS_MD5_BYTES) != 0)
            return "it changed while the program was built";
    }
    return NULL;
}

const char *ms_source_problem(const char *file, const struct ms_built_in *units, size_t count) {
    uint8_t told[MS_MD5_BYTES], now[MS_MD5_BYTES];
    const char *problem = told_md5(file, units, count, told);
    if (problem)
        return problem;
    int error = md5_of(file, now);
    if (error == ENOENT || error == ENOTDIR)
        return "the source is missing";
    if (error)
        return "the source cannot be read";
    return memcmp(now, told, MS_MD5_BYTES) == 0 ? NULL : "changed since the build";
}

bool ms_source_is_newer(const struct ms_sources *sources, const char *file,
                        const struct ms_built_module *module) {
    uint8_t told[MS_MD5_BYTES], now[MS_MD5_BYTES];
    struct stat status;
    size_t count;
    struct ms_built_in *units = ms_sources_units(sources, file, &count);
    const char *problem = told_md5(file, units, count, told);
    free(units);
    if (!problem)
        return md5_of(file, now) != 0 || memcmp(now, told, MS_MD5_BYTES) != 0;
    return stat(file, &status) != 0 || status.st_mtim.tv_sec > module->modified_s;
}
