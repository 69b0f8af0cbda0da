// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "builder.h"

#include <string.h>

#define PROCESS_START 0x1041 // in app

struct memscope_cell_record *builder_sampled_cell(struct builder *builder, uint32_t site_ref,
                                                  uint32_t thread_ref, uint64_t interval_bytes,
                                                  uint64_t sample_bytes) {
    uint32_t ref =
        builder_raw(builder, MEMSCOPE_RECORD_CELL,
                    (sizeof(struct memscope_cell_record) + sizeof(struct memscope_cell_sample)) /
                        MEMSCOPE_UNIT_BYTES);
    struct memscope_cell_record *cell = builder_record(builder, ref);
    cell->record.flags = MEMSCOPE_CELL_SAMPLED;
    cell->site_ref = site_ref;
    cell->thread_ref = thread_ref;
    struct memscope_cell_sample *sample = (void *)(cell + 1);
    sample->interval_bytes = interval_bytes;
    sample->sample_bytes = sample_bytes;
    return cell;
}

struct memscope_cell_record *builder_unsampled_cell(struct builder *builder, uint32_t thread_ref) {
    struct memscope_profile_header *header = builder_header(builder);
    if (header->unsampled_site_ref == 0) {
        header->unsampled_site_ref = builder_foreign(builder, 0, 0);
        struct memscope_site_record *site = builder_record(builder, header->unsampled_site_ref);
        site->kind = MEMSCOPE_SITE_UNSAMPLED;
    }
    struct memscope_cell_record *cell =
        builder_cell(builder, header->unsampled_site_ref, thread_ref);
    cell->record.flags = MEMSCOPE_CELL_UNSAMPLED;
    return cell;
}

struct memscope_level_record *builder_level(struct builder *builder, enum memscope_level level,
                                            enum memscope_level_reason reason, uint64_t after_ns) {
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_LEVEL,
                               (sizeof(struct memscope_level_record) + MEMSCOPE_UNIT_BYTES - 1) /
                                   MEMSCOPE_UNIT_BYTES);
    struct memscope_level_record *record = builder_record(builder, ref);
    record->level = level;
    record->reason = reason;
    record->since_ns = builder_header(builder)->start_monotonic_ns + after_ns;
    record->overhead_percent = record->overhead_error = __builtin_nan("");
    record->budget_percent = 5;
    return record;
}

void builder_cell_counts(struct memscope_cell_record *cell, uint64_t blocks, uint64_t block_bytes,
                         uint64_t live_blocks) {
    builder_count(cell, blocks);
    cell->bytes = blocks * block_bytes;
    cell->frees = blocks - live_blocks;
    cell->freed_bytes = cell->frees * block_bytes;
    builder_cell_peak(cell, live_blocks * block_bytes);
}

static void add_levels(struct builder *builder) {
    struct memscope_level_record *level =
        builder_level(builder, MEMSCOPE_LEVEL_SITES, MEMSCOPE_LEVEL_OVER_BUDGET, 1200000000);
    level->overhead_percent = 7.3;
    level->overhead_error = 0.8;
    level = builder_level(builder, MEMSCOPE_LEVEL_SAMPLED, MEMSCOPE_LEVEL_OVER_BUDGET, 2000000000);
    level->interval_bytes = 9719; // a block of 1 KiB with 10%
    level->overhead_percent = 9.1;
    level->overhead_error = 1.25;
    level =
        builder_level(builder, MEMSCOPE_LEVEL_CONTEXTS, MEMSCOPE_LEVEL_UNDER_BUDGET, 7000000000);
    level->overhead_percent = 0.4;
}

void builder_sampled(struct builder *builder) {
    builder_begin(builder, 1000);
    struct memscope_profile_header *header = builder_header(builder);
    header->executable_ref = builder_string(builder, "/opt/app");
    header->strategy = MEMSCOPE_STRATEGY_THREAD_LOCAL;
    header->threads_highest = header->threads_started = 2;
    header->main_module_ref = builder_module(builder, "/nowhere/app", 0xAB);
    builder_ordinal(builder, header->main_module_ref, 1);
    header->peak_live_bytes = 6000000;
    header->overhead_ns = 240000000;
    header->overhead_error_ns = 62000000;
    header->overhead_cpu_ns = 8000000000;
    uint32_t main_thread = builder_thread(builder, 0, "app", 0);
    uint32_t worker = builder_thread(builder, 1, "worker", 0);
    uint32_t parse =
        builder_site(builder, MEMSCOPE_SITE_MALLOC, "parse(char const*)", "/src/parse.cc", 88, 7);
    uint32_t load = builder_site(builder, MEMSCOPE_SITE_MALLOC, "load()", "/src/load.cc", 12, 3);
    uint64_t frames[] = {memscope_code(1, 0x1011), memscope_code(1, 0x1021),
                         memscope_code(1, PROCESS_START)};
    uint32_t first = builder_context(builder, parse, 0, 3, frames);
    frames[1] = memscope_code(1, 0x1031);
    uint32_t second = builder_context(builder, parse, 0, 3, frames);
    // Before the samples: whole stacks, then sites alone.
    struct memscope_cell_record *cell = builder_cell(builder, parse, main_thread);
    builder_cell_counts(cell, 1000, 100, 0);
    cell->context_ref = first;
    builder_cell_counts(builder_cell(builder, load, main_thread), 3, 1000000, 3);
    builder_cell_counts(builder_cell(builder, parse, main_thread), 500, 100, 0);
    // Two stacks, two sizes, two threads.
    const struct {
        uint32_t context, thread;
        uint64_t bytes, blocks, live_blocks;
    } samples[] = {{first, main_thread, 1024, 200, 20},
                   {second, main_thread, 1024, 50, 50},
                   {first, worker, 100, 40, 0}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        uint64_t bytes = samples[i].bytes;
        cell = builder_sampled_cell(builder, parse, samples[i].thread, 9719,
                                    memscope_sample_bytes(bytes));
        builder_cell_counts(cell, samples[i].blocks, bytes, samples[i].live_blocks);
        cell->context_ref = samples[i].context;
        cell->epoch = 1;
        cell->at_peak_bytes = samples[i].live_blocks * bytes;
        cell->temporary = samples[i].blocks / 10;
    }
    builder_cell_counts(builder_unsampled_cell(builder, main_thread), 2250, 1024, 640);
    builder_cell_counts(builder_unsampled_cell(builder, worker), 3860, 100, 10);
    add_levels(builder);
}
