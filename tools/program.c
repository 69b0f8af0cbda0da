// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Looks at a program before it runs: can the runtime be preloaded, must it be? Reads the ELF file
// only; every offset in it is checked.

#include "run.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// The runtime exports it, wherever it is linked in.
#define INSTANCE "__memscope_instance"

// The machine of this very executable: what the runtime beside it is built for, too.
static unsigned our_machine(void) {
    Elf64_Ehdr elf = {.e_machine = EM_NONE};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return EM_NONE;
    ssize_t count = read(fd, &elf, sizeof elf);
    close(fd);
    return count == (ssize_t)sizeof elf ? elf.e_machine : EM_NONE;
}

struct image {
    const uint8_t *bytes;
    uint64_t size;
};

// Copies out of the file, so that nothing need be aligned there.
static bool get(const struct image *image, uint64_t offset, void *value_out, size_t bytes) {
    if (offset > image->size || bytes > image->size - offset)
        return false;
    memcpy(value_out, image->bytes + offset, bytes);
    return true;
}

static bool name_is(const struct image *image, const Elf64_Shdr *names, uint64_t at,
                    const char *name) {
    size_t bytes = strlen(name) + 1;
    if (at >= names->sh_size || bytes > names->sh_size - at || names->sh_offset > image->size ||
        at > image->size - names->sh_offset || bytes > image->size - names->sh_offset - at)
        return false;
    return memcmp(image->bytes + names->sh_offset + at, name, bytes) == 0;
}

static bool defines(const struct image *image, const Elf64_Shdr *symbols, const Elf64_Shdr *names,
                    const char *name) {
    Elf64_Sym symbol;
    uint64_t count = symbols->sh_size / sizeof symbol;
    for (uint64_t i = 0; i < count; i++) {
        if (symbols->sh_offset > image->size ||
            !get(image, symbols->sh_offset + i * sizeof symbol, &symbol, sizeof symbol))
            return false;
        if (symbol.st_shndx != SHN_UNDEF && name_is(image, names, symbol.st_name, name))
            return true;
    }
    return false;
}

static bool has_runtime(const struct image *image, const Elf64_Ehdr *elf) {
    for (unsigned i = 0; i < elf->e_shnum; i++) {
        Elf64_Shdr section, names;
        if (elf->e_shoff > image->size ||
            !get(image, elf->e_shoff + i * sizeof section, &section, sizeof section))
            return false;
        if ((section.sh_type == SHT_DYNSYM || section.sh_type == SHT_SYMTAB) &&
            section.sh_link < elf->e_shnum &&
            get(image, elf->e_shoff + section.sh_link * sizeof names, &names, sizeof names) &&
            defines(image, &section, &names, INSTANCE))
            return true;
    }
    return false;
}

static bool has_interpreter(const struct image *image, const Elf64_Ehdr *elf) {
    for (unsigned i = 0; i < elf->e_phnum; i++) {
        Elf64_Phdr segment;
        if (elf->e_phoff > image->size ||
            !get(image, elf->e_phoff + i * sizeof segment, &segment, sizeof segment))
            return false;
        if (segment.p_type == PT_INTERP)
            return true;
    }
    return false;
}

enum ms_program ms_program_look_at(const void *bytes, size_t byte_count) {
    struct image image = {bytes, byte_count};
    Elf64_Ehdr elf;
    if (byte_count < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return MS_PROGRAM_SCRIPT;
    if (!get(&image, 0, &elf, sizeof elf) || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
        elf.e_ident[EI_DATA] != ELFDATA2LSB || elf.e_machine != our_machine())
        return MS_PROGRAM_OTHER_CLASS;
    if (has_runtime(&image, &elf))
        return MS_PROGRAM_WITH_RUNTIME;
    return has_interpreter(&image, &elf) ? MS_PROGRAM_DYNAMIC : MS_PROGRAM_STATIC;
}

enum ms_program ms_program_look(const char *path) {
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum ms_program program = MS_PROGRAM_UNREADABLE;
    if (fd < 0)
        return program;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            program = ms_program_look_at(bytes, (size_t)file.st_size);
            munmap(bytes, (size_t)file.st_size);
        }
    }
    close(fd);
    return program;
}

static bool is_runnable(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

char *ms_program_find(const char *command) {
    if (strchr(command, '/'))
        return strdup(command);
    const char *path = getenv("PATH");
    if (!path)
        path = "/bin:/usr/bin";
    for (const char *at = path;; at++) {
        size_t length = strcspn(at, ":");
        size_t bytes = length + strlen(command) + 3;
        char *candidate = malloc(bytes);
        if (!candidate)
            return NULL;
        if (length == 0)
            strcpy(candidate, "./"); // an empty part is the current folder
        else
            strcat(strncat(strcpy(candidate, ""), at, length), "/");
        strcat(candidate, command);
        if (is_runnable(candidate))
            return candidate;
        free(candidate);
        at += length;
        if (!*at)
            return NULL;
    }
}
