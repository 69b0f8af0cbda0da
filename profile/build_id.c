// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Is the file at a module's path the one the process had loaded? Its build ID tells. Path and file
// may be anything: every offset is checked, nothing but a regular file is opened for longer.

#include "internal.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MOST 256
#define NOTES_MOST 65536u // bytes of one segment of notes

struct build_id {
    uint32_t length; // 0 = none
    uint8_t bytes[32];
};

static bool get(int fd, uint64_t offset, void *bytes_out, size_t bytes) {
    return offset <= INT64_MAX && pread(fd, bytes_out, bytes, (off_t)offset) == (ssize_t)bytes;
}

// Notes: namesz, descsz, type, then name and content, each padded to 4 bytes.
static void find_in_notes(const uint8_t *notes, size_t size, struct build_id *id_out) {
    for (size_t at = 0; size - at >= sizeof(Elf64_Nhdr);) {
        Elf64_Nhdr note;
        memcpy(&note, notes + at, sizeof note);
        size_t name = at + sizeof note;
        uint64_t content = name + (((uint64_t)note.n_namesz + 3) & ~UINT64_C(3));
        uint64_t next = content + (((uint64_t)note.n_descsz + 3) & ~UINT64_C(3));
        if (next > size)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes + name, "GNU", 4) == 0 && note.n_descsz <= sizeof id_out->bytes) {
            id_out->length = note.n_descsz;
            memcpy(id_out->bytes, notes + content, note.n_descsz);
            return;
        }
        at = next;
    }
}

static bool read_build_id(int fd, struct build_id *id_out) {
    Elf64_Ehdr elf;
    uint8_t notes[NOTES_MOST];
    *id_out = (struct build_id){0};
    if (!get(fd, 0, &elf, sizeof elf) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
        elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB)
        return false;
    for (unsigned i = 0; i < elf.e_phnum && i < SEGMENTS_MOST && id_out->length == 0; i++) {
        Elf64_Phdr segment;
        if (elf.e_phoff > INT64_MAX ||
            !get(fd, elf.e_phoff + i * sizeof segment, &segment, sizeof segment))
            return false;
        if (segment.p_type == PT_NOTE && segment.p_filesz <= sizeof notes &&
            get(fd, segment.p_offset, notes, segment.p_filesz))
            find_in_notes(notes, segment.p_filesz, id_out);
    }
    return true;
}

bool ms_module_is_there(const struct ms_module *module, uint64_t start_realtime_ns) {
    struct stat file;
    struct build_id id;
    if (!module->path || module->path[0] != '/')
        return false;
    // O_NONBLOCK: a pipe of that name must not hold us up.
    int fd = open(module->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    bool good = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && read_build_id(fd, &id) &&
                id.length == module->build_id_length;
    if (good && id.length > 0)
        good = memcmp(id.bytes, module->build_id, id.length) == 0;
    else if (good)
        good = (uint64_t)file.st_mtim.tv_sec <= start_realtime_ns / 1000000000u;
    close(fd);
    return good;
}
