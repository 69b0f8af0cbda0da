// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wrapper_mutations ROUNDS: the section `.memscope` of a small ELF file, and the file around it,
// changed at random but the same every time. First that the sound file says what stands in it.

#define _GNU_SOURCE // memfd_create
#include "random_numbers.h"

#include <assert.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <profile/wrappers.h>

// A literal of its own for each text: a digit behind \0 would be part of it.
static const char rows[] = "W\tpure\t/src/a.c\0"
                           "W\tmixed\t/src/a.c\t10\t5\0"
                           "W\tmixed\t/src/a.c\t12\t9\0"
                           "W\tpool::Arena::get(unsigned long)\t/src/b.cc\0"
                           "W\twithout_lines\t\0"
                           "W\txmalloc\t/src/a.c\t30\t3\0"
                           "C\tmain\t/src/a.c\t40\t7\tstruct node\t16\tnode.next\0"
                           "C\tmain\t/src/a.c\t41\t7\t\t0\tp\0"
                           "C\tmain\t/src/a.c\t42\t7\tint\t4\ta\0"
                           "C\tmain\t/src/a.c\t42\t7\tlong\t8\ta\0"
                           "X\tof\ta newer version\0"
                           "C\tshort\0\0\0";

struct file {
    Elf64_Ehdr elf;
    Elf64_Shdr sections[3];
    char names[24];
    char content[sizeof rows];
};

static void make(struct file *file) {
    static const char names[24] = "\0.memscope\0.shstrtab";
    *file = (struct file){
        .elf = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
                .e_shoff = offsetof(struct file, sections),
                .e_shentsize = sizeof(Elf64_Shdr),
                .e_shnum = 3,
                .e_shstrndx = 2},
        .sections = {{0},
                     {.sh_name = 1,
                      .sh_type = SHT_PROGBITS,
                      .sh_offset = offsetof(struct file, content),
                      .sh_size = sizeof rows},
                     {.sh_name = 11,
                      .sh_type = SHT_STRTAB,
                      .sh_offset = offsetof(struct file, names),
                      .sh_size = sizeof names}},
    };
    memcpy(file->names, names, sizeof names);
    memcpy(file->content, rows, sizeof rows);
}

static struct ms_wrappers *read_file(int fd, const void *bytes, size_t count,
                                     struct ms_symbols *symbols) {
    struct ms_module_file *files = calloc(1, sizeof *files);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, count, 0) == (ssize_t)count && files);
    files[0].path = strdup(path);
    symbols->files = files;
    symbols->file_count = 1;
    struct ms_summary summary = {.symbols = symbols};
    struct ms_wrappers *wrappers = ms_wrappers_read(&summary);
    assert(wrappers);
    return wrappers;
}

static struct ms_frame frame(const char *function, const char *file, uint32_t line,
                             uint32_t column) {
    return (struct ms_frame){.function = function, .file = file, .line = line, .column = column};
}

static bool has(const struct ms_wrappers *wrappers, const char *function, const char *file,
                uint32_t line, uint32_t column) {
    struct ms_frame one = frame(function, file, line, column);
    return ms_wrappers_has(wrappers, &one);
}

static void expect_sound(const struct ms_wrappers *wrappers) {
    assert(has(wrappers, "pure", "/elsewhere/a.c", 1, 1) && has(wrappers, "pure", NULL, 0, 0));
    assert(!has(wrappers, "pure", "/src/b.c", 1, 1) && !has(wrappers, "pur", "/src/a.c", 1, 1));
    assert(has(wrappers, "mixed", "/src/a.c", 10, 5) && has(wrappers, "mixed", "/src/a.c", 12, 9));
    assert(!has(wrappers, "mixed", "/src/a.c", 10, 9) && !has(wrappers, "mixed", NULL, 0, 0));
    assert(has(wrappers, "pool::Arena::get(unsigned long)", "/src/b.cc", 3, 3));
    assert(has(wrappers, "without_lines", "/any", 3, 3));
    // A name that everybody uses, of a program that tells which of its calls pass on.
    assert(has(wrappers, "xmalloc", "/src/a.c", 30, 3) &&
           !has(wrappers, "xmalloc", "/src/a.c", 31, 3));
    assert(has(wrappers, "xcalloc", NULL, 0, 0) && !has(wrappers, NULL, NULL, 0, 0));
    struct ms_frame at = frame("main", "/src/a.c", 40, 7);
    const struct ms_wrapper_call *call = ms_wrappers_call(wrappers, &at);
    assert(call && strcmp(call->type, "struct node") == 0 && call->type_bytes == 16 &&
           strcmp(call->variable, "node.next") == 0);
    at.line = 41;
    call = ms_wrappers_call(wrappers, &at);
    assert(call && !call->type && strcmp(call->variable, "p") == 0);
    at.line = 42; // two that differ
    assert(!ms_wrappers_call(wrappers, &at));
}

// Any text it tells is a whole one.
static void ask(const struct ms_wrappers *wrappers) {
    static const char *const functions[] = {"pure", "mixed", "xmalloc", "main", "", "::(", "a<b"};
    static const char *const files[] = {"/src/a.c", "a.c", "", "/"};
    static const uint32_t lines[] = {0, 10, 12, 40, 42};
    size_t told = 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        for (size_t k = 0; k < sizeof files / sizeof *files; k++)
            for (size_t n = 0; n < sizeof lines / sizeof *lines; n++) {
                struct ms_frame at = frame(functions[i], files[k], lines[n], n < 3 ? 5 : 7);
                const struct ms_wrapper_call *call = ms_wrappers_call(wrappers, &at);
                told += ms_wrappers_has(wrappers, &at);
                if (call)
                    told += strlen(call->function) + strlen(call->file) +
                            (call->type ? strlen(call->type) : 0) +
                            (call->variable ? strlen(call->variable) : 0);
            }
    assert(told < SIZE_MAX);
}

static size_t mutate(uint8_t *bytes, size_t count) {
    static const uint8_t edges[] = {0, '\t', 'W', 'C', 0xFF, '0', '9', '-', ':', '<'};
    for (uint32_t i = 1 + below(4); i > 0; i--) {
        // Three of four hit the texts.
        uint32_t from = below(4) ? (uint32_t)offsetof(struct file, content) : 0;
        uint32_t at = from + below((uint32_t)count - from);
        switch (below(4)) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << below(8));
            break;
        case 1:
            bytes[at] = (uint8_t)below(256);
            break;
        case 2:
            bytes[at] = edges[below(sizeof edges)];
            break;
        default: {
            uint32_t length = below((uint32_t)count - at);
            memmove(bytes + at, bytes + below((uint32_t)count - length), length);
        }
        }
    }
    return below(8) == 0 ? 1 + below((uint32_t)count) : count;
}

int main(int argc, char **argv) {
    struct file sound, changed;
    long rounds = argc == 2 ? atol(argv[1]) : 0;
    int fd = memfd_create("module", MFD_CLOEXEC);
    size_t still_read = 0;
    assert(rounds > 0 && fd >= 0);
    make(&sound);
    for (long i = -1; i < rounds; i++) {
        struct ms_symbols *symbols = ms_symbols_create();
        assert(symbols);
        changed = sound;
        size_t count = i < 0 ? sizeof sound : mutate((uint8_t *)&changed, sizeof changed);
        struct ms_wrappers *wrappers = read_file(fd, &changed, count, symbols);
        if (i < 0)
            expect_sound(wrappers);
        ask(wrappers);
        still_read += has(wrappers, "pure", "/src/a.c", 1, 1);
        ms_wrappers_free(wrappers);
        ms_symbols_destroy(symbols);
    }
    close(fd);
    // Damage that lets nothing be read would prove nothing.
    assert(still_read > (size_t)rounds / 4);
    printf("%ld mutations, %zu of them still name a wrapper\n", rounds, still_read);
    return 0;
}
