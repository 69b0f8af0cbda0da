// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "builder.h"

struct memscope_block_record *builder_block(struct builder *builder,
                                            enum memscope_block_state state, uint32_t cell_ref) {
    struct memscope_block_record *record =
        builder_record(builder, builder_raw(builder, MEMSCOPE_RECORD_BLOCK, 1));
    record->record.flags = (uint8_t)state;
    record->cell_ref = cell_ref;
    return record;
}

struct memscope_block_totals_record *builder_block_totals(struct builder *builder, uint64_t limit) {
    struct memscope_block_totals_record *record =
        builder_record(builder, builder_raw(builder, MEMSCOPE_RECORD_BLOCK, 1));
    record->record.flags = MEMSCOPE_BLOCK_TOTALS;
    record->limit = limit;
    return record;
}

void builder_blocks(struct builder *builder) {
    enum { COUNT = 8 };
    uint32_t site =
        builder_site(builder, MEMSCOPE_SITE_CALLOC, "read_line(int)", "server.cc", 9, 5);
    uint32_t thread = builder_thread(builder, 2, "blocks", 0);
    struct memscope_cell_record *cell = builder_cell(builder, site, thread);
    builder_count(cell, 2 * COUNT);
    cell->bytes = 2 * COUNT * 100;
    cell->frees = COUNT;
    cell->freed_bytes = COUNT * 100;
    uint32_t cell_ref = builder_ref(builder, cell);
    builder_block_totals(builder, COUNT)->freed = COUNT;
    for (uint64_t i = 0; i < 2 * COUNT; i++) {
        bool is_alive = i % 2;
        struct memscope_block_record *block = builder_block(
            builder, is_alive ? MEMSCOPE_BLOCK_ALIVE : MEMSCOPE_BLOCK_FREED, cell_ref);
        block->address = 0x5000 + 0x100 * i;
        block->bytes = 100;
        block->allocated_ns = builder_header(builder)->start_monotonic_ns + 1000000 * i;
        block->freed_ns = is_alive ? 0 : block->allocated_ns + 5000000;
        block->freed_by_ref = is_alive ? 0 : thread;
        block->order = is_alive ? 0 : i / 2 << MEMSCOPE_BLOCK_PLACE_BITS | i / 2;
    }
}
