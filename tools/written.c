// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which profiles came from this run. All that lie where the run's output goes and began after it
// are looked at; each is ours if its parents lead to our child, or if it had our very options and
// its parents are gone (a daemon's are).

#include "run.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANCESTORS_MOST 64

// The folder part of a pattern as a glob: %x of any kind may be anything.
static char *folder_glob(const char *pattern) {
    size_t length = (size_t)(strrchr(pattern, '/') - pattern);
    char *glob_out = malloc(2 * length + 2), *to = glob_out;
    if (!to)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '%' && i + 1 < length) {
            *to++ = pattern[++i] == '%' ? '%' : '*';
        } else {
            if (strchr("*?[\\", pattern[i]))
                *to++ = '\\';
            *to++ = pattern[i];
        }
    }
    if (to == glob_out)
        *to++ = '/';
    *to = '\0';
    return glob_out;
}

static pid_t parent_of(pid_t pid) {
    char path[64];
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *status = fopen(path, "re");
    char line[256];
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "PPid: %ld", &parent) == 1)
            break;
    if (status)
        fclose(status);
    return (pid_t)parent;
}

enum lineage { OURS, NOT_OURS, GONE };

static bool is_memscope(pid_t pid) {
    char path[64], theirs[4096], ours[4096];
    snprintf(path, sizeof path, "/proc/%ld/exe", (long)pid);
    ssize_t a = readlink(path, theirs, sizeof theirs),
            b = readlink("/proc/self/exe", ours, sizeof ours);
    return a > 0 && a == b && memcmp(theirs, ours, (size_t)a) == 0;
}

// Follows live parents up.
static enum lineage live_lineage(pid_t pid, pid_t child) {
    for (int i = 0; i < ANCESTORS_MOST && pid > 1; i++) {
        if (pid == getpid() || pid == child)
            return OURS;
        if (is_memscope(pid))
            return NOT_OURS; // another run
        pid = parent_of(pid);
    }
    return GONE; // ended, or a daemon adopted by somebody: init or a session's manager
}

static enum lineage lineage(const struct ms_found_list *list, const struct ms_found *found,
                            pid_t child) {
    for (int i = 0; i < ANCESTORS_MOST; i++) {
        if (found->pid == (uint64_t)child)
            return OURS;
        const struct ms_found *parent = NULL;
        for (size_t k = 0; k < list->count && !parent; k++)
            if (list->items[k].pid == found->parent_pid && found->pid != found->parent_pid)
                parent = &list->items[k];
        if (!parent)
            return live_lineage((pid_t)found->parent_pid, child);
        found = parent;
    }
    return GONE;
}

static bool has_options(const struct ms_found *found, const char *options) {
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    ms_profile_open(found->path, &profile, message);
    const char *given =
        profile ? ms_profile_string(profile, ms_profile_header(profile)->options_ref) : NULL;
    bool same = given && strcmp(given, options) == 0;
    ms_profile_close(profile);
    return same;
}

static int compare_starts(const void *left, const void *right) {
    const struct ms_found *a = left, *b = right;
    return (a->start_realtime_ns > b->start_realtime_ns) -
           (a->start_realtime_ns < b->start_realtime_ns);
}

// By start, but the child's last program first: what it ran before that it gave up by exec.
static void order(struct ms_found_list *list, pid_t child) {
    qsort(list->items, list->count, sizeof *list->items, compare_starts);
    size_t last = list->count;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].pid == (uint64_t)child)
            last = i;
    if (last == list->count)
        return;
    struct ms_found first = list->items[last];
    memmove(list->items + 1, list->items, last * sizeof *list->items);
    list->items[0] = first;
}

// Judged all before any is dropped: the chain of parents leads through the list.
static memscope_status keep_ours(struct ms_found_list *list, const char *options, pid_t child) {
    bool *keep = calloc(list->count, sizeof *keep);
    if (!keep)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        enum lineage from = lineage(list, &list->items[i], child);
        keep[i] = from == OURS || (from == GONE && has_options(&list->items[i], options));
    }
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (keep[i])
            list->items[kept++] = list->items[i];
        else
            free(list->items[i].path);
    }
    list->count = kept;
    free(keep);
    return MEMSCOPE_OK;
}

memscope_status ms_written_profiles(const char *pattern, const char *options, pid_t child,
                                    uint64_t since_realtime_ns, struct ms_found_list *list_out) {
    *list_out = (struct ms_found_list){0};
    char *folders = folder_glob(pattern);
    glob_t matches = {0};
    memscope_status status = folders ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
    if (folders && glob(folders, 0, NULL, &matches) == 0)
        for (size_t i = 0; i < matches.gl_pathc && status == MEMSCOPE_OK; i++)
            status = ms_find_in_folder(matches.gl_pathv[i], "", "", since_realtime_ns, list_out);
    globfree(&matches);
    free(folders);
    if (status == MEMSCOPE_OK && list_out->count > 0)
        status = keep_ours(list_out, options, child);
    if (list_out->count > 0)
        order(list_out, child);
    return status;
}
