// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header of a line table, version 5 (DWARF 5, 6.2.4):
//
//   unit_length ── version ── address_size ── segment_selector_size ── header_length
//     ── minimum_instruction_length … opcode_base (6 bytes) ── standard_opcode_lengths
//     ── directory formats ── directories ── file formats ── files ── (the program: not read)
//
// A format is pairs of (content, form); each entry has a value for each pair.

#include "lines.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <profile/grow.h>

#define FORMATS_MOST 16
#define ENTRIES_MOST (1u << 20)
#define PATH_MOST 65536u // bytes

enum { CONTENT_PATH = 1, CONTENT_DIRECTORY = 2, CONTENT_MD5 = 5 };
enum {
    FORM_BLOCK2 = 0x03,
    FORM_DATA2 = 0x05,
    FORM_DATA4 = 0x06,
    FORM_DATA8 = 0x07,
    FORM_STRING = 0x08,
    FORM_BLOCK = 0x09,
    FORM_DATA1 = 0x0b,
    FORM_STRP = 0x0e,
    FORM_UDATA = 0x0f,
    FORM_DATA16 = 0x1e,
    FORM_LINE_STRP = 0x1f,
};

struct reader {
    const struct ms_line_sections *sections;
    const uint8_t *at, *end;
    bool is_64; // offsets have 8 bytes
    bool failed;
};

struct format {
    uint64_t content, form;
};
struct entry {
    const char *path; // "" = none
    uint64_t directory;
    const uint8_t *md5;
};

static uint64_t get_fixed(struct reader *reader, size_t bytes) {
    uint64_t value = 0;
    if ((size_t)(reader->end - reader->at) < bytes) {
        reader->failed = true;
        return 0;
    }
    memcpy(&value, reader->at, bytes);
    reader->at += bytes;
    return value;
}

static uint64_t get_leb(struct reader *reader) {
    uint64_t value = 0;
    for (unsigned shift = 0; reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    return 0;
}

static void skip(struct reader *reader, uint64_t bytes) {
    if (bytes > (uint64_t)(reader->end - reader->at))
        reader->failed = true;
    else
        reader->at += bytes;
}

// "" where no zero byte ends it.
static const char *text_at(const uint8_t *bytes, size_t count, uint64_t offset) {
    if (!bytes || offset >= count)
        return "";
    size_t most = count - offset;
    const uint8_t *text = bytes + offset;
    return memchr(text, 0, most < PATH_MOST ? most : PATH_MOST) ? (const char *)text : "";
}

static const char *get_text(struct reader *reader, uint64_t form) {
    const struct ms_line_sections *sections = reader->sections;
    const char *text = "";
    switch (form) {
    case FORM_STRING:
        text = text_at(reader->at, (size_t)(reader->end - reader->at), 0);
        skip(reader, strlen(text) + 1);
        break;
    case FORM_LINE_STRP:
        text = text_at(sections->line_str, sections->line_str_bytes,
                       get_fixed(reader, reader->is_64 ? 8 : 4));
        break;
    case FORM_STRP:
        text =
            text_at(sections->str, sections->str_bytes, get_fixed(reader, reader->is_64 ? 8 : 4));
        break;
    default:
        reader->failed = true;
    }
    return text;
}

static uint64_t get_number(struct reader *reader, uint64_t form) {
    switch (form) {
    case FORM_DATA1:
        return get_fixed(reader, 1);
    case FORM_DATA2:
        return get_fixed(reader, 2);
    case FORM_DATA4:
        return get_fixed(reader, 4);
    case FORM_DATA8:
        return get_fixed(reader, 8);
    case FORM_UDATA:
        return get_leb(reader);
    default:
        reader->failed = true;
        return 0;
    }
}

static void skip_value(struct reader *reader, uint64_t form) {
    switch (form) {
    case FORM_STRING:
    case FORM_LINE_STRP:
    case FORM_STRP:
        (void)get_text(reader, form);
        break;
    case FORM_DATA16:
        skip(reader, 16);
        break;
    case FORM_BLOCK:
        skip(reader, get_leb(reader));
        break;
    case FORM_BLOCK2:
        skip(reader, get_fixed(reader, 2));
        break;
    default:
        (void)get_number(reader, form);
    }
}

static size_t get_formats(struct reader *reader, struct format formats[FORMATS_MOST]) {
    size_t count = (size_t)get_fixed(reader, 1);
    if (count > FORMATS_MOST)
        reader->failed = true;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        formats[i].content = get_leb(reader);
        formats[i].form = get_leb(reader);
    }
    return count;
}

static struct entry get_entry(struct reader *reader, const struct format *formats, size_t count) {
    struct entry entry = {.path = ""};
    for (size_t i = 0; i < count && !reader->failed; i++) {
        if (formats[i].content == CONTENT_PATH) {
            entry.path = get_text(reader, formats[i].form);
        } else if (formats[i].content == CONTENT_DIRECTORY) {
            entry.directory = get_number(reader, formats[i].form);
        } else if (formats[i].content == CONTENT_MD5 && formats[i].form == FORM_DATA16) {
            entry.md5 = reader->at;
            skip(reader, MS_MD5_BYTES);
        } else {
            skip_value(reader, formats[i].form);
        }
    }
    return entry;
}

// Formats and entries; NULL = they cannot be read. To be freed.
static struct entry *get_entries(struct reader *reader, size_t *count_out) {
    struct format formats[FORMATS_MOST];
    size_t format_count = get_formats(reader, formats);
    uint64_t count = reader->failed ? 0 : get_leb(reader);
    // An entry has a byte at least.
    if (reader->failed || count > ENTRIES_MOST || format_count == 0 ||
        count > (uint64_t)(reader->end - reader->at))
        return NULL;
    struct entry *entries = calloc(count + 1, sizeof *entries);
    for (uint64_t i = 0; entries && i < count; i++)
        entries[i] = get_entry(reader, formats, format_count);
    *count_out = (size_t)count;
    if (!reader->failed)
        return entries;
    free(entries);
    return NULL;
}

// "a/./b", "./b" and "a//b" are a/b, b and a/b: so the plugin writes them into sites.
static void leave_out_dots(char *path) {
    char *to = path;
    for (const char *from = path; *from;) {
        bool starts = from == path || from[-1] == '/';
        if (starts && from[0] == '.' && from[1] == '/')
            from += 2;
        else if (*from == '/' && to > path && to[-1] == '/')
            from++;
        else
            *to++ = *from++;
    }
    *to = '\0';
}

static char *joined(const char *root, const char *directory, const char *name) {
    const char *parts[3] = {root, directory, name};
    size_t bytes = 1;
    if (*directory == '/' || *name == '/')
        parts[0] = "";
    if (*name == '/')
        parts[1] = "";
    for (int i = 0; i < 3; i++)
        bytes += strlen(parts[i]) + 1;
    char *path = malloc(bytes);
    size_t length = 0;
    for (int i = 0; path && i < 3; i++) {
        if (length > 0 && *parts[i] && path[length - 1] != '/')
            path[length++] = '/';
        memcpy(path + length, parts[i], strlen(parts[i]));
        length += strlen(parts[i]);
    }
    if (path) {
        path[length] = '\0';
        leave_out_dots(path);
    }
    return path;
}

struct ms_line_unit *ms_line_table_unit(struct ms_line_table *table) {
    struct ms_line_unit *units =
        ms_grown(table->units, &table->capacity, table->count, sizeof *table->units);
    if (!units)
        return NULL;
    table->units = units;
    table->units[table->count] = (struct ms_line_unit){0};
    return &table->units[table->count++];
}

static bool add_file(struct ms_line_unit *unit, char *path, const uint8_t *md5) {
    // Doubled when full, at powers of two.
    if ((unit->count & (unit->count - 1)) == 0) {
        size_t capacity = unit->count ? 2 * unit->count : 1;
        struct ms_line_file *files = path ? realloc(unit->files, capacity * sizeof *files) : NULL;
        if (!files) {
            free(path);
            return false;
        }
        unit->files = files;
    }
    if (!path)
        return false;
    struct ms_line_file *file = &unit->files[unit->count++];
    *file = (struct ms_line_file){.path = path, .has_md5 = md5 != NULL};
    if (md5)
        memcpy(file->md5, md5, MS_MD5_BYTES);
    return true;
}

bool ms_line_unit_add(struct ms_line_unit *unit, const char *path, const uint8_t *md5) {
    return add_file(unit, strdup(path), md5);
}

static bool take_unit(struct ms_line_table *table, const struct entry *folders, size_t folder_count,
                      const struct entry *files, size_t file_count) {
    struct ms_line_unit *unit = ms_line_table_unit(table);
    for (size_t i = 0; unit && i < file_count; i++) {
        const char *folder =
            files[i].directory < folder_count ? folders[files[i].directory].path : "";
        const char *root = files[i].directory > 0 && folder_count > 0 ? folders[0].path : "";
        if (!add_file(unit, joined(root, folder, files[i].path), files[i].md5))
            unit = NULL;
    }
    return unit != NULL;
}

// `reader` covers one table, behind its length. False = no memory.
static bool parse_table(struct reader *reader, struct ms_line_table *table) {
    if (get_fixed(reader, 2) != 5) {
        table->old_count += !reader->failed;
        table->broken_count += reader->failed;
        return true;
    }
    size_t folder_count = 0, file_count = 0;
    skip(reader, 2);
    uint64_t header_bytes = get_fixed(reader, reader->is_64 ? 8 : 4);
    if (!reader->failed && header_bytes < (uint64_t)(reader->end - reader->at))
        reader->end = reader->at + header_bytes;
    skip(reader, 5);
    uint64_t opcodes = get_fixed(reader, 1);
    skip(reader, opcodes ? opcodes - 1 : 0);
    struct entry *folders = get_entries(reader, &folder_count);
    struct entry *files = folders ? get_entries(reader, &file_count) : NULL;
    bool good = true;
    if (files && file_count > 0)
        good = take_unit(table, folders, folder_count, files, file_count);
    else
        table->broken_count++;
    free(folders);
    free(files);
    return good;
}

bool ms_line_table_parse(const struct ms_line_sections *sections, struct ms_line_table *table) {
    struct reader all = {
        .sections = sections,
        .at = sections->line,
        .end = sections->line + sections->line_bytes,
    };
    while (all.at < all.end && !all.failed) {
        struct reader one = all;
        uint64_t length = get_fixed(&one, 4);
        one.is_64 = length == 0xFFFFFFFF;
        if (one.is_64)
            length = get_fixed(&one, 8);
        if (one.failed || length > (uint64_t)(one.end - one.at)) {
            table->broken_count++;
            return true;
        }
        all.at = one.at + length;
        one.end = all.at;
        if (!parse_table(&one, table))
            return false;
    }
    return true;
}

bool ms_line_table_read(const char *path, struct ms_line_table *table) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    struct ms_line_sections sections = {0};
    uint8_t *line = ms_elf_section(fd, ".debug_line", &sections.line_bytes);
    uint8_t *line_str =
        line ? ms_elf_section(fd, ".debug_line_str", &sections.line_str_bytes) : NULL;
    uint8_t *str = line ? ms_elf_section(fd, ".debug_str", &sections.str_bytes) : NULL;
    close(fd);
    sections.line = line;
    sections.line_str = line_str;
    sections.str = str;
    bool good = line && ms_line_table_parse(&sections, table);
    free(line);
    free(line_str);
    free(str);
    return good;
}

void ms_line_table_free(struct ms_line_table *table) {
    for (size_t i = 0; i < table->count; i++) {
        for (size_t k = 0; k < table->units[i].count; k++)
            free(table->units[i].files[k].path);
        free(table->units[i].files);
    }
    free(table->units);
    *table = (struct ms_line_table){0};
}
