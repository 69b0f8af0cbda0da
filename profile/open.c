// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opens a profile. The file is copied, not mapped: it may be cut short by others while we read,
// which would be SIGBUS in a mapping, and a copy shows each word of a running program once.

#define _GNU_SOURCE // SEEK_DATA
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static memscope_status fail(memscope_status status, char message[MS_MESSAGE_BYTES],
                            const char *format, ...) __attribute__((format(printf, 3, 4)));

static memscope_status fail(memscope_status status, char message[MS_MESSAGE_BYTES],
                            const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, MS_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return status;
}

void ms_note_damage(struct ms_profile *profile, uint64_t offset, const char *format, ...) {
    if (profile->health.damaged++ > 0)
        return;
    profile->health.damage_offset = offset;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(profile->damage, sizeof profile->damage, format, arguments);
    va_end(arguments);
}

// Checks what is there of a header: `byte_count` bytes, at most its size.
static memscope_status check_header(const char *name, const struct memscope_profile_header *header,
                                    size_t byte_count, uint64_t file_bytes,
                                    char message[MS_MESSAGE_BYTES]) {
    static const char zeros[sizeof *header];
    if (file_bytes == 0)
        return fail(MEMSCOPE_EMPTY, message, "%s: offset 0x0: the file is empty", name);
    if (memcmp(header, zeros, byte_count) == 0)
        return fail(MEMSCOPE_EMPTY, message,
                    "%s: offset 0x0: only zeros: the program ended before its profile began", name);
    size_t magic_bytes = byte_count < 8 ? byte_count : 8;
    if (memcmp(header->magic, MEMSCOPE_PROFILE_MAGIC, magic_bytes) != 0)
        return fail(MEMSCOPE_NOT_A_PROFILE, message,
                    "%s: offset 0x0: not a MemScope profile (it does not begin with \"%s\")", name,
                    MEMSCOPE_PROFILE_MAGIC);
    // The version comes before the size: a newer header may be of any size.
    if (byte_count >= 12 && header->version > MEMSCOPE_PROFILE_VERSION)
        return fail(MEMSCOPE_NEWER_VERSION, message,
                    "%s: offset 0x8: format version %u is newer than this memscope reads (%u): "
                    "use the memscope that wrote it",
                    name, header->version, MEMSCOPE_PROFILE_VERSION);
    if (byte_count >= 12 && header->version != 0 && header->version < MEMSCOPE_PROFILE_VERSION)
        return fail(MEMSCOPE_OLDER_VERSION, message,
                    "%s: offset 0x8: format version %u is older than this memscope reads (%u): "
                    "use the memscope that wrote it",
                    name, header->version, MEMSCOPE_PROFILE_VERSION);
    if (file_bytes < MEMSCOPE_HEADER_BYTES)
        return fail(MEMSCOPE_TRUNCATED, message,
                    "%s: offset 0x%llx: cut short inside the header (%u bytes): nothing can be "
                    "read",
                    name, (unsigned long long)file_bytes, MEMSCOPE_HEADER_BYTES);
    if (header->version == 0)
        return fail(MEMSCOPE_CORRUPT, message, "%s: offset 0x8: format version 0 is none", name);
    if (header->header_bytes != MEMSCOPE_HEADER_BYTES)
        return fail(MEMSCOPE_CORRUPT, message, "%s: offset 0xc: header of %u bytes, not %u", name,
                    header->header_bytes, MEMSCOPE_HEADER_BYTES);
    if (header->unit_bytes != MEMSCOPE_UNIT_BYTES)
        return fail(MEMSCOPE_CORRUPT, message, "%s: offset 0x10: units of %u bytes, not %u", name,
                    header->unit_bytes, MEMSCOPE_UNIT_BYTES);
    if (header->arena_end_units < MS_FIRST_UNIT || header->arena_end_units > UINT32_MAX)
        return fail(MEMSCOPE_CORRUPT, message,
                    "%s: offset 0x%zx: records end at unit %llu, which no file has", name,
                    offsetof(struct memscope_profile_header, arena_end_units),
                    (unsigned long long)header->arena_end_units);
    if (header->mapped_units < MS_FIRST_UNIT || header->mapped_units > UINT64_MAX / 64)
        return fail(MEMSCOPE_CORRUPT, message,
                    "%s: offset 0x%zx: storage of %llu units, which no file has", name,
                    offsetof(struct memscope_profile_header, mapped_units),
                    (unsigned long long)header->mapped_units);
    if (header->state > MEMSCOPE_PROCESS_SIGNALED)
        return fail(MEMSCOPE_CORRUPT, message, "%s: offset 0x%zx: process state %u is none", name,
                    offsetof(struct memscope_profile_header, state), header->state);
    if (header->strategy > MEMSCOPE_STRATEGY_HYBRID_TRACKING)
        return fail(MEMSCOPE_CORRUPT, message, "%s: offset 0x%zx: strategy %u is none", name,
                    offsetof(struct memscope_profile_header, strategy), header->strategy);
    return MEMSCOPE_OK;
}

static void *map_zeros(size_t byte_count) {
    void *memory = mmap(NULL, byte_count, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static size_t chunk_count(const struct ms_profile *profile) {
    return (profile->data_bytes + MS_CHUNK_BYTES - 1) / MS_CHUNK_BYTES;
}

// Sizes everything by the checked header; the bytes come later.
static memscope_status make_room(struct ms_profile *profile, uint64_t file_bytes) {
    const struct memscope_profile_header *header = &profile->header;
    uint64_t stored_units = header->mapped_units < header->arena_end_units
                                ? header->mapped_units
                                : header->arena_end_units;
    uint64_t units = file_bytes / MEMSCOPE_UNIT_BYTES;
    profile->health.file_bytes = file_bytes;
    profile->health.stored_bytes = stored_units * MEMSCOPE_UNIT_BYTES;
    if (units < stored_units)
        profile->health.missing_bytes = profile->health.stored_bytes - file_bytes;
    else
        units = stored_units;
    if (units > MS_PROFILE_LIMIT_BYTES / MEMSCOPE_UNIT_BYTES) {
        units = MS_PROFILE_LIMIT_BYTES / MEMSCOPE_UNIT_BYTES;
        profile->health.missing_bytes = profile->health.stored_bytes - MS_PROFILE_LIMIT_BYTES;
    }
    profile->end_unit = (uint32_t)units;
    profile->data_bytes = units * MEMSCOPE_UNIT_BYTES;
    profile->data = map_zeros(profile->data_bytes);
    profile->types = map_zeros(units);
    profile->filled = calloc(chunk_count(profile) + 1, 1);
    return profile->data && profile->types && profile->filled ? MEMSCOPE_OK
                                                              : MEMSCOPE_OUT_OF_MEMORY;
}

// Copies the chunks that are not all zero. `at` is the start of a chunk. False on an error of the
// file system.
static bool copy_stretch(int fd, struct ms_profile *profile, off_t at, off_t end) {
    static const uint8_t zeros[MS_CHUNK_BYTES];
    uint8_t chunk[MS_CHUNK_BYTES];
    for (; at < end; at += MS_CHUNK_BYTES) {
        size_t wanted = end - at < MS_CHUNK_BYTES ? (size_t)(end - at) : MS_CHUNK_BYTES, got = 0;
        while (got < wanted) {
            ssize_t count = pread(fd, chunk + got, wanted - got, at + (off_t)got);
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0)
                return false;
            if (count == 0)
                break; // cut short while we read: the rest is zeros
            got += (size_t)count;
        }
        if (memcmp(chunk, zeros, got) != 0) {
            memcpy(profile->data + at, chunk, got);
            profile->filled[at / MS_CHUNK_BYTES] = 1;
        }
    }
    return true;
}

// Steps over holes where the file system tells them.
static bool copy_file(int fd, struct ms_profile *profile) {
    off_t at = 0, end = (off_t)profile->data_bytes;
    while (at < end) {
        off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            return true; // a hole up to the end
        off_t hole = data < 0 ? end : lseek(fd, data, SEEK_HOLE);
        if (hole < 0 || hole > end)
            hole = end;
        if (data > at) // whole chunks only
            at = data / MS_CHUNK_BYTES * MS_CHUNK_BYTES;
        hole = (hole + MS_CHUNK_BYTES - 1) / MS_CHUNK_BYTES * MS_CHUNK_BYTES;
        if (!copy_stretch(fd, profile, at, hole < end ? hole : end))
            return false;
        at = hole;
    }
    return true;
}

static memscope_status judge(struct ms_profile *profile, char message[MS_MESSAGE_BYTES]) {
    const struct ms_profile_health *health = &profile->health;
    ms_scan_records(profile);
    ms_check_refs(profile);
    if (health->damaged > 0)
        return fail(MEMSCOPE_CORRUPT, message,
                    "%s: offset 0x%llx: the profile is damaged: %s (%llu such places; the rest was "
                    "read)",
                    profile->path, (unsigned long long)health->damage_offset, profile->damage,
                    (unsigned long long)health->damaged);
    if (health->missing_bytes > 0)
        return fail(MEMSCOPE_TRUNCATED, message,
                    "%s: offset 0x%llx: the profile is cut short: its last %llu of %llu bytes are "
                    "missing, sites and counts in them are not shown",
                    profile->path, (unsigned long long)profile->data_bytes,
                    (unsigned long long)health->missing_bytes,
                    (unsigned long long)health->stored_bytes);
    return MEMSCOPE_OK;
}

static memscope_status no_memory(struct ms_profile *profile, const char *path,
                                 char message[MS_MESSAGE_BYTES]) {
    ms_profile_close(profile);
    return fail(MEMSCOPE_OUT_OF_MEMORY, message, "%s: out of memory", path);
}

static struct ms_profile *new_profile(const char *path) {
    struct ms_profile *profile = calloc(1, sizeof *profile);
    if (profile && !(profile->path = strdup(path))) {
        free(profile);
        return NULL;
    }
    return profile;
}

memscope_status ms_profile_from_memory(const char *name, const void *bytes, size_t byte_count,
                                       struct ms_profile **profile_out,
                                       char message[MS_MESSAGE_BYTES]) {
    *profile_out = NULL;
    message[0] = '\0';
    struct ms_profile *profile = new_profile(name);
    if (!profile)
        return fail(MEMSCOPE_OUT_OF_MEMORY, message, "%s: out of memory", name);
    size_t header_bytes = byte_count < sizeof profile->header ? byte_count : sizeof profile->header;
    if (header_bytes > 0)
        memcpy(&profile->header, bytes, header_bytes);
    memscope_status status =
        check_header(name, &profile->header, header_bytes, byte_count, message);
    if (status != MEMSCOPE_OK) {
        ms_profile_close(profile);
        return status;
    }
    if (make_room(profile, byte_count) != MEMSCOPE_OK)
        return no_memory(profile, name, message);
    memcpy(profile->data, bytes, profile->data_bytes);
    memset(profile->filled, 1, chunk_count(profile));
    *profile_out = profile;
    return judge(profile, message);
}

static memscope_status read_all(int fd, struct ms_profile *profile, const struct stat *file,
                                char message[MS_MESSAGE_BYTES]) {
    ssize_t count = pread(fd, &profile->header, sizeof profile->header, 0);
    if (count < 0)
        return fail(MEMSCOPE_IO, message, "%s: %s", profile->path, strerror(errno));
    memscope_status status = check_header(profile->path, &profile->header, (size_t)count,
                                          (uint64_t)file->st_size, message);
    if (status != MEMSCOPE_OK)
        return status;
    if (make_room(profile, (uint64_t)file->st_size) != MEMSCOPE_OK)
        return fail(MEMSCOPE_OUT_OF_MEMORY, message, "%s: out of memory", profile->path);
    if (!copy_file(fd, profile))
        return fail(MEMSCOPE_IO, message, "%s: %s", profile->path, strerror(errno));
    // Once more, after the cells: totals of the header are never older than what they sum up.
    struct memscope_profile_header later;
    if (pread(fd, &later, sizeof later, 0) == (ssize_t)sizeof later &&
        later.ref_base == profile->header.ref_base &&
        check_header(profile->path, &later, sizeof later, (uint64_t)file->st_size, message) ==
            MEMSCOPE_OK)
        profile->header = later;
    message[0] = '\0';
    profile->device = file->st_dev;
    profile->inode = file->st_ino;
    return MEMSCOPE_OK;
}

memscope_status ms_profile_open(const char *path, struct ms_profile **profile_out,
                                char message[MS_MESSAGE_BYTES]) {
    *profile_out = NULL;
    message[0] = '\0';
    struct stat file;
    // Non-blocking: a FIFO of that name must not hang us.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &file) != 0) {
        memscope_status status = errno == ENOENT ? MEMSCOPE_NOT_FOUND : MEMSCOPE_IO;
        fail(status, message, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    struct ms_profile *profile = NULL;
    memscope_status status;
    if (!S_ISREG(file.st_mode))
        status = fail(MEMSCOPE_NOT_A_PROFILE, message, "%s: not a MemScope profile: %s", path,
                      S_ISDIR(file.st_mode) ? "a folder" : "not a regular file");
    else if (!(profile = new_profile(path)))
        status = fail(MEMSCOPE_OUT_OF_MEMORY, message, "%s: out of memory", path);
    else
        status = read_all(fd, profile, &file, message);
    close(fd);
    if (status != MEMSCOPE_OK || !profile) {
        ms_profile_close(profile);
        return status;
    }
    *profile_out = profile;
    return judge(profile, message);
}

void ms_profile_close(struct ms_profile *profile) {
    if (!profile)
        return;
    if (profile->data)
        munmap(profile->data, profile->data_bytes);
    if (profile->types)
        munmap(profile->types, profile->end_unit);
    free(profile->filled);
    free(profile->path);
    free(profile);
}

const char *ms_profile_path(const struct ms_profile *profile) {
    return profile->path;
}

const struct memscope_profile_header *ms_profile_header(const struct ms_profile *profile) {
    return &profile->header;
}

const struct ms_profile_health *ms_profile_health(const struct ms_profile *profile) {
    return &profile->health;
}

const char *ms_profile_string(const struct ms_profile *profile, uint32_t ref) {
    uint32_t unit = ms_unit_of(profile, ref, MEMSCOPE_RECORD_STRING);
    return unit ? ((const struct memscope_string_record *)ms_at(profile, unit))->text : NULL;
}
