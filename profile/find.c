// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds profiles: in folders by what their headers say, of a process by what it has mapped.

#include "grow.h"
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void ms_default_folder(char *path_out, size_t path_bytes) {
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/tmp";
    snprintf(path_out, path_bytes, "%s/memscope-%u", folder, (unsigned)getuid());
}

// Reads the header of a file that looks like a profile from afar.
static bool read_header(int folder_fd, const char *name, struct memscope_profile_header *header) {
    struct stat file;
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    bool good = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
                pread(fd, header, sizeof *header, 0) == (ssize_t)sizeof *header &&
                memcmp(header->magic, MEMSCOPE_PROFILE_MAGIC, sizeof header->magic) == 0;
    close(fd);
    return good;
}

static bool begins_and_ends(const char *name, const char *prefix, const char *suffix) {
    size_t length = strlen(name), suffix_length = strlen(suffix);
    return strncmp(name, prefix, strlen(prefix)) == 0 && length >= suffix_length &&
           strcmp(name + length - suffix_length, suffix) == 0;
}

static memscope_status push(struct ms_found_list *list, const char *folder, const char *name,
                            const struct memscope_profile_header *header) {
    struct ms_found *items =
        ms_grown(list->items, &list->capacity, list->count, sizeof *list->items);
    if (!items)
        return MEMSCOPE_OUT_OF_MEMORY;
    list->items = items;
    size_t bytes = strlen(folder) + strlen(name) + 2;
    char *path = malloc(bytes);
    if (!path)
        return MEMSCOPE_OUT_OF_MEMORY;
    if (strcmp(folder, ".") == 0)
        snprintf(path, bytes, "%s", name);
    else
        snprintf(path, bytes, "%s/%s", folder, name);
    list->items[list->count++] = (struct ms_found){
        .path = path,
        .pid = header->pid,
        .parent_pid = header->parent_pid,
        .start_realtime_ns = header->start_realtime_ns,
        .state = header->state,
    };
    return MEMSCOPE_OK;
}

memscope_status ms_find_in_folder(const char *folder, const char *prefix, const char *suffix,
                                  uint64_t since_realtime_ns, struct ms_found_list *list) {
    DIR *entries = opendir(folder);
    memscope_status status = MEMSCOPE_OK;
    const struct dirent *entry;
    while (entries && status == MEMSCOPE_OK && (entry = readdir(entries))) {
        struct memscope_profile_header header;
        struct stat file;
        if (!begins_and_ends(entry->d_name, prefix, suffix) ||
            fstatat(dirfd(entries), entry->d_name, &file, 0) != 0 || !S_ISREG(file.st_mode) ||
            // The clock of file times is coarser than the one in the header.
            (uint64_t)file.st_mtim.tv_sec + 1 < since_realtime_ns / 1000000000u ||
            !read_header(dirfd(entries), entry->d_name, &header) ||
            header.start_realtime_ns < since_realtime_ns || (header.flags & MEMSCOPE_PROFILE_COPY))
            continue;
        status = push(list, folder, entry->d_name, &header);
    }
    if (entries)
        closedir(entries);
    return status;
}

void ms_found_list_free(struct ms_found_list *list) {
    for (size_t i = 0; list->items && i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
    *list = (struct ms_found_list){0};
}

memscope_status ms_find_newest(pid_t pid, char **path_out) {
    *path_out = NULL;
    struct ms_found_list list = {0};
    char folder[4096];
    ms_default_folder(folder, sizeof folder);
    memscope_status status = ms_find_in_folder(".", "memscope.", MEMSCOPE_PROFILE_SUFFIX, 0, &list);
    if (status == MEMSCOPE_OK)
        status = ms_find_in_folder(folder, "", MEMSCOPE_PROFILE_SUFFIX, 0, &list);
    struct ms_found *newest = NULL;
    for (size_t i = 0; i < list.count; i++) {
        struct ms_found *found = &list.items[i];
        if ((pid == 0 || found->pid == (uint64_t)pid) &&
            (!newest || found->start_realtime_ns > newest->start_realtime_ns))
            newest = found;
    }
    if (newest && status == MEMSCOPE_OK) {
        *path_out = newest->path;
        newest->path = NULL;
    } else if (status == MEMSCOPE_OK) {
        status = MEMSCOPE_NOT_FOUND;
    }
    ms_found_list_free(&list);
    return status;
}

memscope_status ms_find_mapped(pid_t pid, char **path_out) {
    *path_out = NULL;
    char maps_path[64];
    snprintf(maps_path, sizeof maps_path, "/proc/%ld/maps", (long)pid);
    FILE *maps = fopen(maps_path, "re");
    if (!maps)
        return errno == ENOENT ? MEMSCOPE_NOT_FOUND : MEMSCOPE_IO;
    memscope_status status = MEMSCOPE_NOT_FOUND;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while (status == MEMSCOPE_NOT_FOUND && (length = getline(&line, &capacity, maps)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        // address perms offset device inode path; only shared mappings of a file are of interest
        char perms[8];
        int path_at = 0;
        if (sscanf(line, "%*x-%*x %7s %*x %*s %*s %n", perms, &path_at) != 1 || path_at == 0 ||
            perms[3] != 's' || line[path_at] != '/')
            continue;
        struct memscope_profile_header header;
        if (read_header(AT_FDCWD, line + path_at, &header) && header.pid == (uint64_t)pid) {
            *path_out = strdup(line + path_at);
            status = *path_out ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
        }
    }
    free(line);
    fclose(maps);
    return status;
}
