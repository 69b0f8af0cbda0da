// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "records.h"

#include "arena.h"
#include "intern.h"
#include "modules.h"

#include <stddef.h>
#include <string.h>

static uint32_t units_for(size_t bytes) {
    return (uint32_t)((bytes + MEMSCOPE_UNIT_BYTES - 1) / MEMSCOPE_UNIT_BYTES);
}

static bool same_string(uint32_t ref, const void *what) {
    const struct memscope_string_record *record = ms_ref(ref);
    return record->record.type == MEMSCOPE_RECORD_STRING && strlen(what) == record->length &&
           memcmp(record->text, what, record->length) == 0;
}

uint32_t ms_record_string(const char *string) {
    if (!string)
        return 0;
    size_t length = strlen(string);
    if (length > 1u << 20)
        length = 1u << 20;
    uint64_t hash = ms_hash(MS_HASH_START, string, length);
    uint32_t ref = ms_intern_find(hash, same_string, string);
    if (ref != 0)
        return ref;
    struct memscope_string_record *record =
        ms_arena_take(units_for(sizeof *record + length + 1), true, &ref);
    if (!record)
        return 0;
    record->length = (uint32_t)length;
    memcpy(record->text, string, length);
    ms_arena_publish(record, MEMSCOPE_RECORD_STRING);
    ms_intern_add(hash, ref);
    return ref;
}

// A site's fixed part; its record and the frames behind it are compared and hashed by it.
struct site_content {
    struct memscope_site_record fixed;
    const struct memscope_profile_frame *frames;
    struct memscope_site_tail tail;
};

static bool same_site(uint32_t ref, const void *what) {
    const struct site_content *content = what;
    const struct memscope_site_record *record = ms_ref(ref);
    const size_t skip = sizeof record->record;
    return record->record.type == MEMSCOPE_RECORD_SITE &&
           record->record.flags == content->fixed.record.flags &&
           memcmp((const char *)record + skip, (const char *)&content->fixed + skip,
                  sizeof *record - skip) == 0 &&
           memcmp(record->inlined, content->frames,
                  content->fixed.inlined_count * sizeof *content->frames) == 0 &&
           memcmp(record->inlined + content->fixed.inlined_count, &content->tail,
                  sizeof content->tail) == 0;
}

static uint32_t write_site(const struct site_content *content) {
    size_t frame_bytes = content->fixed.inlined_count * sizeof *content->frames;
    const size_t skip = sizeof content->fixed.record;
    uint64_t hash =
        ms_hash(MS_HASH_START, (const char *)&content->fixed + skip, sizeof content->fixed - skip);
    hash = ms_hash(hash, content->frames, frame_bytes);
    hash = ms_hash(hash, &content->tail, sizeof content->tail);
    uint32_t ref = ms_intern_find(hash, same_site, content);
    if (ref != 0)
        return ref;
    size_t bytes = sizeof(struct memscope_site_record) + frame_bytes + sizeof content->tail;
    struct memscope_site_record *record = ms_arena_take(units_for(bytes), true, &ref);
    if (!record)
        return 0;
    memcpy((char *)record + skip, (const char *)&content->fixed + skip, sizeof *record - skip);
    record->record.flags = content->fixed.record.flags;
    memcpy(record->inlined, content->frames, frame_bytes);
    memcpy(record->inlined + content->fixed.inlined_count, &content->tail, sizeof content->tail);
    ms_arena_publish(record, MEMSCOPE_RECORD_SITE);
    ms_intern_add(hash, ref);
    return ref;
}

uint32_t ms_record_site(const struct memscope_site *site) {
    enum { MOST_FRAMES = 64 }; // deeper inlining keeps its innermost frames
    struct memscope_profile_frame frames[MOST_FRAMES];
    struct site_content content;
    memset(&content, 0, sizeof content);
    content.frames = frames;
    content.fixed.kind = site->kind;
    content.fixed.line = site->line;
    content.fixed.column = site->column;
    content.fixed.function_ref = ms_record_string(site->function);
    content.fixed.file_ref = ms_record_string(site->file);
    content.fixed.type_ref = ms_record_string(site->type_name);
    content.fixed.variable_ref = ms_record_string(site->var_name);
    content.tail.type_bytes = site->type_bytes;
    content.tail.wrapper_frames = site->wrapper_frames;
    content.fixed.inlined_count =
        site->inlined_count < MOST_FRAMES ? site->inlined_count : MOST_FRAMES;
    for (unsigned i = 0; i < content.fixed.inlined_count; i++)
        frames[i] = (struct memscope_profile_frame){
            .function_ref = ms_record_string(site->inlined[i].function),
            .file_ref = ms_record_string(site->inlined[i].file),
            .line = site->inlined[i].line,
            .column = site->inlined[i].column,
        };
    return write_site(&content);
}

uint32_t ms_record_foreign_site(enum memscope_site_kind kind, const void *return_address) {
    static const struct memscope_profile_frame no_frames[1];
    struct site_content content;
    memset(&content, 0, sizeof content);
    content.frames = no_frames;
    content.fixed.kind = (uint16_t)kind;
    content.fixed.record.flags = MEMSCOPE_SITE_FLAG_FOREIGN;
    if (return_address) {
        uint64_t bias = 0;
        content.fixed.module_ref = ms_record_module(return_address, &bias);
        content.fixed.module_offset = (uint64_t)(uintptr_t)return_address - bias;
    }
    return write_site(&content);
}

// A module's ordinal is given to it, no part of what it is.
enum { CONTENT = offsetof(struct memscope_module_record, ordinal) };

static bool same_module(uint32_t ref, const void *what) {
    const struct memscope_module_record *record = ms_ref(ref), *wanted = what;
    const size_t skip = sizeof record->record;
    return record->record.type == MEMSCOPE_RECORD_MODULE &&
           memcmp((const char *)record + skip, (const char *)wanted + skip, CONTENT - skip) == 0;
}

// The loader has the name by which a library was asked for. One that depends on the current folder
// says nothing once that is another: the kernel's name is taken instead. (On no small stack of a
// signal handler: the room is mapped.)
static uint32_t record_path(const struct ms_module_facts *facts) {
    const size_t most = 4096;
    bool is_relative = facts->path[0] != '/' && strchr(facts->path, '/');
    char *room = is_relative ? ms_sys_map_anonymous(most) : NULL;
    bool is_found = room && ms_sys_mapped_file((uintptr_t)facts->map_start, room, most);
    uint32_t ref = ms_record_string(is_found ? room : facts->path);
    if (room)
        ms_sys_unmap(room, most);
    return ref;
}

uint32_t ms_record_module(const void *address, uint64_t *bias_out) {
    struct ms_module_facts facts;
    if (!ms_module_find(address, &facts))
        return 0;
    *bias_out = facts.load_bias;
    struct memscope_module_record wanted;
    memset(&wanted, 0, sizeof wanted);
    wanted.path_ref = record_path(&facts);
    wanted.map_start = facts.map_start;
    wanted.map_end = facts.map_end;
    wanted.load_bias = facts.load_bias;
    wanted.build_id_length = facts.build_id_length;
    memcpy(wanted.build_id, facts.build_id, facts.build_id_length);
    const size_t skip = sizeof wanted.record;
    uint64_t hash = ms_hash(MS_HASH_START, (const char *)&wanted + skip, CONTENT - skip);
    uint32_t ref = ms_intern_find(hash, same_module, &wanted);
    if (ref != 0)
        return ref;
    wanted.ordinal = ms_module_ordinal(facts.map_start);
    struct memscope_module_record *record = ms_arena_take(units_for(sizeof *record), true, &ref);
    if (!record)
        return 0;
    memcpy((char *)record + skip, (const char *)&wanted + skip, sizeof wanted - skip);
    ms_arena_publish(record, MEMSCOPE_RECORD_MODULE);
    ms_intern_add(hash, ref);
    return ref;
}

void ms_record_unit(const struct memscope_module *module) {
    uint64_t bias;
    uint32_t name_ref = ms_record_string(module->name);
    uint32_t module_ref = ms_record_module(module, &bias);
    uint32_t ref;
    struct memscope_unit_record *record = ms_arena_take(units_for(sizeof *record), true, &ref);
    if (!record)
        return;
    record->name_ref = name_ref;
    record->module_ref = module_ref;
    record->flags = module->flags;
    ms_arena_publish(record, MEMSCOPE_RECORD_UNIT);
}
