// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which source files a module was built from, and their MD5: what the plugin wrote into the section
// memscope_sources, else the file tables of .debug_line, of version 5. Older tables have no
// checksums and are passed over. The file may be anything: every offset and length is checked.

#ifndef MEMSCOPE_SOURCE_LINES_H
#define MEMSCOPE_SOURCE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS_MD5_BYTES 16

struct ms_line_file {
    char *path; // absolute where the compiler's folder is; "./" left out
    bool has_md5;
    uint8_t md5[MS_MD5_BYTES];
};

// One unit's table.
struct ms_line_unit {
    struct ms_line_file *files; // the first is the unit's own file
    size_t count;
};

struct ms_line_table {
    struct ms_line_unit *units;
    size_t count, capacity;
    size_t old_count;    // tables of older versions
    size_t broken_count; // tables that could not be read to their end
};

// Adds the tables of the ELF file at `path`. False = it has none, or memory ran out.
bool ms_line_table_read(const char *path, struct ms_line_table *table);
// The same of sections in memory; for tests.
struct ms_line_sections {
    const uint8_t *line, *line_str, *str;
    size_t line_bytes, line_str_bytes, str_bytes;
};
bool ms_line_table_parse(const struct ms_line_sections *sections, struct ms_line_table *table);
// Adds what the plugin wrote. False = it is not there, or memory ran out.
bool ms_line_table_read_sums(const char *path, struct ms_line_table *table);
bool ms_line_table_parse_sums(const uint8_t *bytes, size_t count, struct ms_line_table *table);
// For both: a new unit, NULL = no memory, and a file of one. `md5` NULL = none.
struct ms_line_unit *ms_line_table_unit(struct ms_line_table *table);
bool ms_line_unit_add(struct ms_line_unit *unit, const char *path, const uint8_t *md5);
void ms_line_table_free(struct ms_line_table *table);

// A section of an ELF file of 64 bits, little endian, inflated where it is compressed. To be freed;
// NULL = there is none, or it cannot be read.
uint8_t *ms_elf_section(int fd, const char *name, size_t *bytes_out);

#endif
