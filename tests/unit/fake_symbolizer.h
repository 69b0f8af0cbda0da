// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A folder for one test, with modules and a symbolizer of our own that answers what a test wants.

#ifndef MEMSCOPE_TESTS_UNIT_FAKE_SYMBOLIZER_H
#define MEMSCOPE_TESTS_UNIT_FAKE_SYMBOLIZER_H

#include "builder.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static char folder[64];

static inline void begin_folder(void) {
    strcpy(folder, "/tmp/memscope-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static inline void end_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static inline const char *path_of(const char *name) {
    static char path[8][512];
    static unsigned next;
    char *text = path[next++ % 8];
    snprintf(text, sizeof path[0], "%s/%s", folder, name);
    return text;
}

static inline void write_file(const char *path, const void *bytes, size_t byte_count) {
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    ck_assert_uint_eq(fwrite(bytes, 1, byte_count, file), byte_count);
    ck_assert_int_eq(fclose(file), 0);
}

// An ELF file that is `age_s` older than the profile's process, with a build ID of 20 such bytes (0
// = without one).
static inline void write_module_with_id(const char *path, const struct builder *b, long age_s,
                                        uint8_t build_id_byte) {
    struct {
        Elf64_Ehdr elf;
        Elf64_Phdr segment;
        Elf64_Nhdr note;
        char name[4];
        uint8_t id[20];
    } file = {.elf = {.e_ident = ELFMAG}};
    file.elf.e_ident[EI_CLASS] = ELFCLASS64;
    file.elf.e_ident[EI_DATA] = ELFDATA2LSB;
    file.elf.e_phoff = sizeof file.elf;
    file.elf.e_phnum = build_id_byte ? 1 : 0;
    file.segment.p_type = PT_NOTE;
    file.segment.p_offset = sizeof file.elf + sizeof file.segment;
    file.segment.p_filesz = sizeof file - file.segment.p_offset;
    file.note = (Elf64_Nhdr){4, sizeof file.id, NT_GNU_BUILD_ID};
    memcpy(file.name, "GNU", 4);
    memset(file.id, build_id_byte, sizeof file.id);
    write_file(path, &file, sizeof file);
    long start_s = (long)(builder_header(b)->start_realtime_ns / 1000000000u);
    struct timeval times[2] = {{start_s - age_s, 0}, {start_s - age_s, 0}};
    ck_assert_int_eq(utimes(path, times), 0);
}

static inline void write_module(const char *path, const struct builder *b, long age_s) {
    write_module_with_id(path, b, age_s, 0);
}

// A symbolizer that runs `body`; what it is asked it may read from stdin.
static inline const char *symbolizer(const char *body) {
    static char path[512];
    strcpy(path, path_of("symbolizer"));
    size_t bytes = strlen(body) + 32;
    char *text = malloc(bytes);
    ck_assert_ptr_nonnull(text);
    snprintf(text, bytes, "#!/bin/sh\n%s\n", body);
    write_file(path, text, strlen(text));
    free(text);
    ck_assert_int_eq(chmod(path, 0755), 0);
    return path;
}

// What stands at an address: "function|file|line|column", several joined by "\n", innermost first.
struct fake_code {
    uint64_t address; // of the call
    const char *frames;
};

// Of builder_stacks.
static const struct fake_code stacks_codes[] = {
    {0x1010, "grow(int)|/src/a.cc|10|5\npush(int)|/src/a.cc|20|3\nhandle()|/src/a.cc|30|7"},
    {0x1020, "main|/src/main.cc|5|3"},
    {0x1030, "__libc_start_call_main"},
    {0x1040, "__libc_start_main_impl"},
    {0x1050, "_start"},
    {0x1060, "walk(node*)|/src/tree.cc|7|12"},
    {0x1070, "leaf(node*)|/src/tree.cc|15|9"},
    {0x1080, "work(void*)|/src/pool.cc|30|5"},
    {0x1090, "run_thread|/src/threads.c|61|12"},
    {0x10a0, "start_thread"},
    {0x10b0, "clone3"},
    {0x10c0, "read(int) (.resume)|/src/net.cc|44|7"},
};

// A symbolizer that knows `count` places, of whatever module. Each question is a line of
// symbolizer.asked.
static inline const char *symbolizer_of(const struct fake_code *codes, size_t count) {
    char *body = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&body, &bytes);
    ck_assert_ptr_nonnull(out);
    fputs("while read -r kind path address; do echo \"$kind $path $address\" >>\"$0.asked\"\n"
          "case $address in\n",
          out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "0x%llx) echo '{\"Symbol\": [", (unsigned long long)codes[i].address);
        char *copy = strdup(codes[i].frames), *rest = copy, *frame;
        for (bool first = true; (frame = strsep(&rest, "\n")); first = false) {
            const char *function = strsep(&frame, "|"), *file = strsep(&frame, "|");
            const char *line = strsep(&frame, "|"), *column = strsep(&frame, "|");
            fprintf(out,
                    "%s{\"FunctionName\": \"%s\", \"FileName\": \"%s\", \"Line\": %s, "
                    "\"Column\": %s}",
                    first ? "" : ", ", function, file ? file : "", line ? line : "0",
                    column ? column : "0");
        }
        free(copy);
        fputs("]}';;\n", out);
    }
    fputs("*) echo '{\"Symbol\": []}';; esac; done", out);
    ck_assert_int_eq(fclose(out), 0);
    const char *path = symbolizer(body);
    free(body);
    return path;
}

// The questions so far.
static inline size_t questions(void) {
    char line[512];
    size_t lines = 0;
    FILE *file = fopen(path_of("symbolizer.asked"), "r");
    while (file && fgets(line, sizeof line, file))
        lines++;
    if (file)
        fclose(file);
    return lines;
}

#endif
