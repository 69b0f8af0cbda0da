// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memscope_profile_header *builder_header(const struct builder *builder) {
    return (struct memscope_profile_header *)builder->bytes;
}

void *builder_record(const struct builder *builder, uint32_t ref) {
    uint32_t unit = ref - builder_header(builder)->ref_base;
    return builder->bytes + (size_t)unit * MEMSCOPE_UNIT_BYTES;
}

void builder_begin(struct builder *builder, uint32_t ref_base) {
    builder_begin_large(builder, ref_base, BUILDER_BYTES);
}

void builder_begin_large(struct builder *builder, uint32_t ref_base, size_t capacity) {
    builder->bytes = aligned_alloc(4096, capacity);
    if (!builder->bytes)
        abort();
    memset(builder->bytes, 0, capacity);
    builder->capacity = capacity;
    builder->end_unit = MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES;
    struct memscope_profile_header *header = builder_header(builder);
    memcpy(header->magic, MEMSCOPE_PROFILE_MAGIC, 8);
    header->version = MEMSCOPE_PROFILE_VERSION;
    header->header_bytes = MEMSCOPE_HEADER_BYTES;
    header->unit_bytes = MEMSCOPE_UNIT_BYTES;
    header->ref_base = ref_base;
    header->state = MEMSCOPE_PROCESS_EXITED;
    header->pid = 4711;
    header->parent_pid = 4700;
    header->uid = 1000;
    header->start_realtime_ns = 1763856000123000000u; // 2025-11-23T00:00:00.123Z
    header->start_monotonic_ns = 1000000000u;
    header->end_monotonic_ns = 9200000000u;
    header->peak_epoch = 1;
    header->credit_bytes = 65536;
    header->threads_now = header->threads_highest = 1;
    header->threads_started = 1;
    strcpy(header->runtime_version, "0.1.0");
    builder_seal(builder);
}

void builder_end(struct builder *builder) {
    free(builder->bytes);
    builder->bytes = NULL;
}

void builder_seal(struct builder *builder) {
    builder_header(builder)->arena_end_units = builder->end_unit;
    builder_header(builder)->mapped_units = builder->end_unit;
}

size_t builder_size(const struct builder *builder) {
    return (size_t)builder->end_unit * MEMSCOPE_UNIT_BYTES;
}

void builder_write(const struct builder *builder, const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(builder->bytes, 1, builder_size(builder), file) != builder_size(builder) ||
        fclose(file) != 0) {
        perror(path);
        abort();
    }
}

uint32_t builder_raw(struct builder *builder, uint8_t type, uint32_t units) {
    if ((size_t)(builder->end_unit + units) * MEMSCOPE_UNIT_BYTES > builder->capacity)
        abort();
    uint32_t ref = builder_header(builder)->ref_base + builder->end_unit;
    struct memscope_record *record = builder_record(builder, ref);
    record->magic = MEMSCOPE_RECORD_MAGIC;
    record->type = type;
    record->units = units;
    builder->end_unit += units;
    builder_seal(builder);
    return ref;
}

static uint32_t units_of(size_t bytes) {
    return (uint32_t)((bytes + MEMSCOPE_UNIT_BYTES - 1) / MEMSCOPE_UNIT_BYTES);
}

uint32_t builder_string(struct builder *builder, const char *text) {
    if (!text)
        return 0;
    size_t length = strlen(text);
    uint32_t ref =
        builder_raw(builder, MEMSCOPE_RECORD_STRING,
                    units_of(offsetof(struct memscope_string_record, text) + length + 1));
    struct memscope_string_record *record = builder_record(builder, ref);
    record->length = (uint32_t)length;
    memcpy((char *)record + offsetof(struct memscope_string_record, text), text, length);
    return ref;
}

uint32_t builder_module(struct builder *builder, const char *path, uint8_t build_id_byte) {
    uint32_t path_ref = builder_string(builder, path);
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_MODULE,
                               units_of(sizeof(struct memscope_module_record)));
    struct memscope_module_record *record = builder_record(builder, ref);
    record->path_ref = path_ref;
    if (build_id_byte) {
        record->build_id_length = 20;
        memset(record->build_id, build_id_byte, 20);
    }
    return ref;
}

uint32_t builder_inlined_site(struct builder *builder, uint16_t kind, const char *function,
                              const char *file, uint32_t line, uint32_t column, uint16_t count,
                              const struct builder_frame *frames) {
    uint32_t function_ref = builder_string(builder, function);
    uint32_t file_ref = builder_string(builder, file);
    struct memscope_profile_frame inlined[16];
    for (uint16_t i = 0; i < count; i++)
        inlined[i] = (struct memscope_profile_frame){builder_string(builder, frames[i].function),
                                                     builder_string(builder, frames[i].file),
                                                     frames[i].line, frames[i].column};
    uint32_t ref = builder_raw(
        builder, MEMSCOPE_RECORD_SITE,
        units_of(offsetof(struct memscope_site_record, inlined) + count * sizeof *inlined));
    struct memscope_site_record *record = builder_record(builder, ref);
    record->kind = kind;
    record->function_ref = function_ref;
    record->file_ref = file_ref;
    record->line = line;
    record->column = column;
    record->inlined_count = count;
    memcpy(record->inlined, inlined, count * sizeof *inlined);
    return ref;
}

uint32_t builder_site(struct builder *builder, uint16_t kind, const char *function,
                      const char *file, uint32_t line, uint32_t column) {
    return builder_inlined_site(builder, kind, function, file, line, column, 0, NULL);
}

uint32_t builder_foreign(struct builder *builder, uint32_t module_ref, uint64_t offset) {
    uint32_t ref = builder_site(builder, MEMSCOPE_SITE_FOREIGN, NULL, NULL, 0, 0);
    struct memscope_site_record *record = builder_record(builder, ref);
    record->record.flags = MEMSCOPE_SITE_FLAG_FOREIGN;
    record->module_ref = module_ref;
    record->module_offset = offset;
    return ref;
}

uint32_t builder_thread(struct builder *builder, uint32_t index, const char *name,
                        uint32_t spawn_site_ref) {
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_THREAD,
                               units_of(sizeof(struct memscope_thread_record)));
    struct memscope_thread_record *record = builder_record(builder, ref);
    record->index = index;
    record->thread_id = 4711 + (int32_t)index;
    record->spawn_site_ref = spawn_site_ref;
    record->state = MEMSCOPE_THREAD_EXITED;
    record->start_ns = 1000000000u;
    record->end_ns = 9200000000u;
    record->shared_by = 1;
    snprintf(record->name, sizeof record->name, "%s", name);
    return ref;
}

struct memscope_cell_record *builder_cell(struct builder *builder, uint32_t site_ref,
                                          uint32_t thread_ref) {
    uint32_t ref =
        builder_raw(builder, MEMSCOPE_RECORD_CELL, units_of(sizeof(struct memscope_cell_record)));
    struct memscope_cell_record *record = builder_record(builder, ref);
    record->site_ref = site_ref;
    record->thread_ref = thread_ref;
    return record;
}

void builder_count(struct memscope_cell_record *cell, uint64_t allocations) {
    bool is_plain = (cell->record.flags & MEMSCOPE_CELL_UNSAMPLED) != 0;
    cell->count_word = is_plain ? allocations : memscope_count_of(allocations);
}

void builder_cell_peak(struct memscope_cell_record *cell, uint64_t peak_bytes) {
    cell->headroom_bytes = (int64_t)(peak_bytes - (cell->bytes - cell->freed_bytes));
}

uint32_t builder_unit(struct builder *builder, const char *name, uint32_t module_ref) {
    uint32_t name_ref = builder_string(builder, name);
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_UNIT, 1);
    struct memscope_unit_record *record = builder_record(builder, ref);
    record->name_ref = name_ref;
    record->module_ref = module_ref;
    record->flags = 1;
    return ref;
}

void builder_gap(struct builder *builder, uint32_t units) {
    if ((size_t)(builder->end_unit + units) * MEMSCOPE_UNIT_BYTES > builder->capacity)
        abort();
    builder->end_unit += units;
    builder_seal(builder);
}

void builder_picture(struct builder *builder) {
    builder_begin(builder, 1000);
    struct memscope_profile_header *header = builder_header(builder);
    header->command_ref = builder_string(builder, "/opt/app --serve 'a b'");
    header->executable_ref = builder_string(builder, "/opt/app");
    header->options_ref = builder_string(builder, "strict=1");
    header->allocator_ref = builder_string(builder, "/lib/libc.so.6");
    header->strategy = MEMSCOPE_STRATEGY_THREAD_LOCAL;
    header->upgrade = MEMSCOPE_UPGRADE_THREAD_STARTED;
    header->upgrade_ns = 1500000000u;
    header->threads_highest = 4;
    header->threads_started = 4;
    header->instrumented_modules = 2;
    header->alloc_sites = 7;
    header->thread_sites = 1;
    header->peak_epoch = 5;
    header->peak_live_bytes = 41300000;
    uint32_t libc = builder_module(builder, "/lib/libc.so.6", 0xAB);
    uint32_t libfoo = builder_module(builder, "/usr/lib/libfoo.so", 0);
    const struct builder_frame callers[] = {
        {"read_request(int, char const*)", "/src/io.cc", 12, 3}};
    uint32_t parse = builder_inlined_site(builder, MEMSCOPE_SITE_NEW, "parse(std::string const&)",
                                          "/src/session.cc", 88, 7, 1, callers);
    uint32_t pool =
        builder_site(builder, MEMSCOPE_SITE_THREAD_START, "Pool::start()", "/src/pool.cc", 41, 5);
    uint32_t foreign = builder_foreign(builder, libc, 0x1f2c);
    header->upgrade_site_ref = pool;
    uint32_t threads[4];
    threads[0] = builder_thread(builder, 0, "app", 0);
    for (uint32_t i = 1; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "worker-%u", i);
        threads[i] = builder_thread(builder, i, name, pool);
    }
    ((struct memscope_thread_record *)builder_record(builder, threads[0]))->peak_bytes = 12000000;
    for (uint32_t i = 1; i < 4; i++) {
        ((struct memscope_thread_record *)builder_record(builder, threads[i]))->peak_bytes =
            9766667;
        struct memscope_cell_record *cell = builder_cell(builder, parse, threads[i]);
        builder_count(cell, 26704);
        cell->bytes = 400000000;
        cell->frees = 26703;
        cell->freed_bytes = 400000000 - 340;
        builder_cell_peak(cell, 9000000);
        cell->epoch = 5;
        cell->at_peak_bytes = 3000000;
        cell->temporary = 100;
    }
    struct memscope_cell_record *cell = builder_cell(builder, foreign, threads[0]);
    builder_count(cell, 10);
    cell->bytes = 15600000;
    cell->frees = 9;
    cell->freed_bytes = 15599816;
    builder_cell_peak(cell, 12000000);
    cell->epoch = 4; // unchanged since before the peak
    builder_unit(builder, "/src/foo.c", libfoo);
}
