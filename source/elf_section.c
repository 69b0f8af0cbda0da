// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads one section of an ELF file. Compressed ones are inflated if zlib did it.

#include "lines.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define SECTIONS_MOST 65536u
#define SECTION_MOST (UINT64_C(1) << 31) // bytes

static bool get(int fd, uint64_t offset, void *bytes_out, size_t bytes) {
    char *at = bytes_out;
    while (bytes > 0) {
        ssize_t got = offset <= INT64_MAX ? pread(fd, at, bytes, (off_t)offset) : -1;
        if (got <= 0)
            return false;
        at += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return true;
}

static uint8_t *inflated(const uint8_t *raw, size_t raw_bytes, size_t *bytes_out) {
    Elf64_Chdr header;
    if (raw_bytes < sizeof header)
        return NULL;
    memcpy(&header, raw, sizeof header);
    uLongf count = header.ch_size;
    // What zlib packs it packs by a factor of 1032 at most.
    if (header.ch_type != ELFCOMPRESS_ZLIB || header.ch_size == 0 ||
        header.ch_size > SECTION_MOST || header.ch_size / 1032 > raw_bytes)
        return NULL;
    uint8_t *bytes = malloc(header.ch_size);
    if (bytes &&
        (uncompress(bytes, &count, raw + sizeof header, raw_bytes - sizeof header) != Z_OK ||
         count != header.ch_size)) {
        free(bytes);
        bytes = NULL;
    }
    *bytes_out = count;
    return bytes;
}

static uint8_t *content(int fd, const Elf64_Shdr *section, uint64_t file_bytes, size_t *bytes_out) {
    if (section->sh_type == SHT_NOBITS || section->sh_size == 0 ||
        section->sh_offset > file_bytes || section->sh_size > file_bytes - section->sh_offset ||
        section->sh_size > SECTION_MOST)
        return NULL;
    uint8_t *bytes = malloc(section->sh_size);
    if (bytes && !get(fd, section->sh_offset, bytes, section->sh_size)) {
        free(bytes);
        return NULL;
    }
    *bytes_out = section->sh_size;
    if (!bytes || !(section->sh_flags & SHF_COMPRESSED))
        return bytes;
    uint8_t *whole = inflated(bytes, section->sh_size, bytes_out);
    free(bytes);
    return whole;
}

uint8_t *ms_elf_section(int fd, const char *name, size_t *bytes_out) {
    struct stat status;
    Elf64_Ehdr elf;
    Elf64_Shdr names, section;
    size_t length = strlen(name) + 1;
    char found[32];
    *bytes_out = 0;
    if (length > sizeof found || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        !get(fd, 0, &elf, sizeof elf) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
        elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB ||
        elf.e_shoff == 0 || elf.e_shoff > INT64_MAX || elf.e_shstrndx >= elf.e_shnum ||
        !get(fd, elf.e_shoff + elf.e_shstrndx * sizeof names, &names, sizeof names))
        return NULL;
    for (unsigned i = 0; i < elf.e_shnum && i < SECTIONS_MOST; i++) {
        if (!get(fd, elf.e_shoff + i * sizeof section, &section, sizeof section))
            return NULL;
        if (names.sh_offset <= (uint64_t)INT64_MAX - section.sh_name &&
            get(fd, names.sh_offset + section.sh_name, found, length) &&
            memcmp(found, name, length) == 0)
            return content(fd, &section, (uint64_t)status.st_size, bytes_out);
    }
    return NULL;
}
