// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// source_mutations COUNT: what source/ reads from files, changed at random but the same every time:
// line tables (this program's own), the plugin's checksums, compile commands. First that the line
// table of the program tells the checksum of this very file.

#include "random_numbers.h"

#include <source/commands.h>
#include <source/lines.h>

#include <assert.h>
#include <fcntl.h>
#include <md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t *copy_of(const void *bytes, size_t count) {
    uint8_t *copy = malloc(count ? count : 1); // of its own size: what is read behind it is seen
    assert(copy);
    memcpy(copy, bytes, count);
    return copy;
}

static size_t mutate(uint8_t *bytes, size_t count) {
    for (uint64_t i = below(4); i > 0 && count > 0; i--)
        bytes[below(count < 512 || i % 2 ? count : 512)] = (uint8_t)below(256);
    return below(4) ? count : below(count + 1);
}

static void expect_own_checksum(const struct ms_line_table *table) {
    uint8_t md5[MS_MD5_BYTES];
    size_t found = 0;
    MD5_CTX context;
    FILE *file = fopen(__FILE__, "r");
    assert(file);
    MD5Init(&context);
    for (int byte; (byte = fgetc(file)) != EOF;)
        MD5Update(&context, &(uint8_t){(uint8_t)byte}, 1);
    MD5Final(md5, &context);
    fclose(file);
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->units[i].files[0].path, __FILE__) == 0) {
            assert(table->units[i].files[0].has_md5);
            assert(memcmp(table->units[i].files[0].md5, md5, sizeof md5) == 0);
            found++;
        }
    assert(found == 1 && table->broken_count == 0);
}

static void mutate_tables(const struct ms_line_sections *whole) {
    struct ms_line_table table = {0};
    uint8_t *line = copy_of(whole->line, whole->line_bytes);
    uint8_t *line_str = copy_of(whole->line_str, whole->line_str_bytes);
    struct ms_line_sections changed = *whole;
    changed.line = line;
    changed.line_bytes = mutate(line, whole->line_bytes);
    changed.line_str = line_str;
    changed.line_str_bytes = mutate(line_str, whole->line_str_bytes);
    assert(ms_line_table_parse(&changed, &table));
    ms_line_table_free(&table);
    free(line);
    free(line_str);
}

static void mutate_sums(void) {
    static const char sums[] = "/a.c\0/a.c\0"
                               "0123456789abcdef0123456789abcdef\0"
                               "/a.c\0/a.h\0"
                               "ffffffffffffffffffffffffffffffff";
    struct ms_line_table table = {0};
    uint8_t *bytes = copy_of(sums, sizeof sums);
    assert(ms_line_table_parse_sums(bytes, sizeof sums, &table));
    assert(table.count == 1 && table.units[0].count == 2 && table.units[0].files[1].md5[15] == 255);
    ms_line_table_free(&table);
    assert(ms_line_table_parse_sums(bytes, mutate(bytes, sizeof sums), &table));
    ms_line_table_free(&table);
    free(bytes);
}

static void expect_words(const char *text, const char *const *wanted) {
    char **words = ms_split_command(text);
    size_t i = 0;
    assert((words != NULL) == (wanted != NULL));
    for (; words && wanted && wanted[i]; i++)
        assert(words[i] && strcmp(words[i], wanted[i]) == 0);
    assert(!words || !words[i]);
    free(words);
}

static void expect_commands(void) {
    expect_words("cc  -Da=\"b c\" 'd \\ e' f\\ g \"\" ",
                 (const char *[]){"cc", "-Da=b c", "d \\ e", "f g", "", NULL});
    expect_words("cc 'a", NULL);
    expect_words("", (const char *[]){NULL});
    char *words[] = {"/usr/bin/ccache",
                     "/opt/clang++-19",
                     "-Xclang",
                     "-load",
                     "-Xclang",
                     "x.so",
                     "-fpass-plugin=y.so",
                     "-MF",
                     "d",
                     "-MD",
                     "-Wall",
                     "-Wp,-DA",
                     "-DB",
                     "-o",
                     "out.o",
                     "-c",
                     "-Xclang",
                     "-fblocks",
                     "a.cc",
                     NULL};
    const char *const wanted[] = {"clang++", "-Wp,-DA", "-DB", "-Xclang", "-fblocks", "a.cc", NULL};
    const char *reason;
    char **chosen = ms_choose_arguments(words, &reason);
    size_t i = 0;
    for (; chosen && wanted[i]; i++)
        assert(chosen[i] && strcmp(chosen[i], wanted[i]) == 0);
    assert(i == 6 && !chosen[i] && !reason);
    free(chosen);
}

static void mutate_commands(void) {
    static const char command[] =
        "clang -Xclang -load -Xclang \"a b.so\" -o 'x y' -I\\ z -MF d @f a.c";
    const char *reason;
    char *text = (char *)copy_of(command, sizeof command);
    text[mutate((uint8_t *)text, sizeof command - 1)] = '\0';
    char **words = ms_split_command(text);
    if (words)
        free(ms_choose_arguments(words, &reason));
    free(words);
    free(text);
}

int main(int argc, char **argv) {
    struct ms_line_sections whole = {0};
    struct ms_line_table table = {0};
    int fd = open(argv[0], O_RDONLY | O_CLOEXEC);
    assert(argc == 2 && fd >= 0);
    whole.line = ms_elf_section(fd, ".debug_line", &whole.line_bytes);
    whole.line_str = ms_elf_section(fd, ".debug_line_str", &whole.line_str_bytes);
    whole.str = ms_elf_section(fd, ".debug_str", &whole.str_bytes);
    close(fd);
    assert(whole.line && whole.line_str && ms_line_table_parse(&whole, &table));
    expect_own_checksum(&table);
    ms_line_table_free(&table);
    expect_commands();
    for (long i = atol(argv[1]); i > 0; i--) {
        mutate_tables(&whole);
        mutate_sums();
        mutate_commands();
    }
    free((void *)whole.line);
    free((void *)whole.line_str);
    free((void *)whole.str);
    puts("withstood");
    return 0;
}
