// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an ELF file says of itself: its build ID, and where its debug info is. The file may be
// anything: every offset is checked, nothing but a regular file is opened for longer.

#include "symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MOST 256
#define SECTIONS_MOST 65536u
#define WRAPPERS_MOST (UINT64_C(1) << 28)
#define NOTES_MOST 65536u // bytes of one segment of notes

static bool get(int fd, uint64_t offset, void *bytes_out, size_t bytes) {
    return offset <= INT64_MAX && pread(fd, bytes_out, bytes, (off_t)offset) == (ssize_t)bytes;
}

// Notes: namesz, descsz, type, then name and content, each padded to 4 bytes.
static void find_in_notes(const uint8_t *notes, size_t size, struct ms_elf_file *file) {
    for (size_t at = 0; size - at >= sizeof(Elf64_Nhdr);) {
        Elf64_Nhdr note;
        memcpy(&note, notes + at, sizeof note);
        size_t name = at + sizeof note;
        uint64_t content = name + (((uint64_t)note.n_namesz + 3) & ~UINT64_C(3));
        uint64_t next = content + (((uint64_t)note.n_descsz + 3) & ~UINT64_C(3));
        if (next > size)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes + name, "GNU", 4) == 0 && note.n_descsz <= sizeof file->build_id) {
            file->build_id_length = note.n_descsz;
            memcpy(file->build_id, notes + content, note.n_descsz);
            return;
        }
        at = next;
    }
}

static void read_notes(int fd, uint64_t offset, uint64_t bytes, struct ms_elf_file *file) {
    uint8_t notes[NOTES_MOST];
    if (file->build_id_length == 0 && bytes <= sizeof notes && get(fd, offset, notes, bytes))
        find_in_notes(notes, bytes, file);
}

static void read_segments(int fd, const Elf64_Ehdr *elf, struct ms_elf_file *file) {
    for (unsigned i = 0; i < elf->e_phnum && i < SEGMENTS_MOST && file->build_id_length == 0; i++) {
        Elf64_Phdr segment;
        if (elf->e_phoff > INT64_MAX ||
            !get(fd, elf->e_phoff + i * sizeof segment, &segment, sizeof segment))
            return;
        if (segment.p_type == PT_NOTE)
            read_notes(fd, segment.p_offset, segment.p_filesz, file);
    }
}

static void read_section(int fd, const char *name, const Elf64_Shdr *section,
                         struct ms_elf_file *file) {
    if (section->sh_type == SHT_NOTE) // a file of debug info has no segment that holds them
        read_notes(fd, section->sh_offset, section->sh_size, file);
    else if (strcmp(name, ".debug_info") == 0)
        file->has_debug_info = section->sh_type != SHT_NOBITS;
    else if (strcmp(name, ".memscope") == 0 && section->sh_type == SHT_PROGBITS &&
             !(section->sh_flags & SHF_COMPRESSED)) {
        file->wrappers_offset = section->sh_offset;
        file->wrappers_bytes = section->sh_size;
    } else if (strcmp(name, ".gnu_debuglink") == 0 && section->sh_size > 4 &&
               section->sh_size <= sizeof file->debug_link)
        (void)get(fd, section->sh_offset, file->debug_link, section->sh_size);
}

static void read_sections(int fd, const Elf64_Ehdr *elf, struct ms_elf_file *file) {
    Elf64_Shdr names, section;
    if (elf->e_shoff == 0 || elf->e_shoff > INT64_MAX || elf->e_shstrndx >= elf->e_shnum ||
        !get(fd, elf->e_shoff + elf->e_shstrndx * sizeof names, &names, sizeof names))
        return;
    for (unsigned i = 0; i < elf->e_shnum && i < SECTIONS_MOST; i++) {
        char name[24] = {0};
        if (!get(fd, elf->e_shoff + i * sizeof section, &section, sizeof section))
            return;
        // Any name that is longer is none of ours; near the end of the file it is read in part.
        if (names.sh_offset <= (uint64_t)INT64_MAX - section.sh_name &&
            pread(fd, name, sizeof name - 1, (off_t)(names.sh_offset + section.sh_name)) > 0)
            read_section(fd, name, &section, file);
    }
    // The name, a zero byte, padding, a checksum.
    file->debug_link[sizeof file->debug_link - 1] = '\0';
}

bool ms_elf_file_read(const char *path, struct ms_elf_file *file_out) {
    struct stat status;
    Elf64_Ehdr elf;
    *file_out = (struct ms_elf_file){0};
    // O_NONBLOCK: a pipe of that name must not hold us up.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    file_out->is_there = true;
    bool good = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                get(fd, 0, &elf, sizeof elf) && memcmp(elf.e_ident, ELFMAG, SELFMAG) == 0 &&
                elf.e_ident[EI_CLASS] == ELFCLASS64 && elf.e_ident[EI_DATA] == ELFDATA2LSB;
    if (good) {
        file_out->bytes = (uint64_t)status.st_size;
        file_out->modified_ns =
            (uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec;
        read_segments(fd, &elf, file_out);
        read_sections(fd, &elf, file_out);
    }
    close(fd);
    return good;
}

char *ms_elf_wrappers_read(const char *path, size_t *bytes_out) {
    struct ms_elf_file file;
    char *bytes = NULL;
    if (!ms_elf_file_read(path, &file) || file.wrappers_bytes == 0 ||
        file.wrappers_bytes > WRAPPERS_MOST || file.wrappers_bytes > file.bytes)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (bytes = malloc(file.wrappers_bytes)) &&
        !get(fd, file.wrappers_offset, bytes, file.wrappers_bytes)) {
        free(bytes);
        bytes = NULL;
    }
    if (fd >= 0)
        close(fd);
    *bytes_out = file.wrappers_bytes;
    return bytes;
}
