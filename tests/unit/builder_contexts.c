// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "builder.h"

#include <string.h>

void builder_ordinal(struct builder *builder, uint32_t module_ref, uint32_t ordinal) {
    ((struct memscope_module_record *)builder_record(builder, module_ref))->ordinal = ordinal;
}

uint32_t builder_awaiter(struct builder *builder, uint32_t class_ref, uint32_t awaiter_ref) {
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_AWAITER, 1);
    struct memscope_awaiter_record *record = builder_record(builder, ref);
    record->class_ref = class_ref;
    record->awaiter_ref = awaiter_ref;
    record->depth = 1;
    if (awaiter_ref)
        record->depth +=
            ((struct memscope_awaiter_record *)builder_record(builder, awaiter_ref))->depth;
    return ref;
}

uint32_t builder_context(struct builder *builder, uint32_t site_ref, uint32_t awaiter_ref,
                         uint32_t count, const uint64_t *frames) {
    size_t bytes = offsetof(struct memscope_context_record, frames) + count * sizeof *frames;
    uint32_t units = (uint32_t)((bytes + MEMSCOPE_UNIT_BYTES - 1) / MEMSCOPE_UNIT_BYTES);
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_CONTEXT, units);
    struct memscope_context_record *record = builder_record(builder, ref);
    record->site_ref = site_ref;
    record->awaiter_ref = awaiter_ref;
    record->frame_count = count;
    if (count > 0)
        memcpy(record->frames, frames, count * sizeof *frames);
    return ref;
}

struct memscope_cell_record *builder_stack_cell(struct builder *builder, uint32_t context_ref,
                                                uint32_t site_ref, uint32_t thread_ref,
                                                uint32_t class_ref, uint64_t bytes) {
    struct memscope_cell_record *cell = builder_cell(builder, site_ref, thread_ref);
    cell->context_ref = context_ref;
    cell->class_ref = class_ref;
    cell->record.flags = class_ref ? MEMSCOPE_CELL_TASK : 0;
    builder_count(cell, 1);
    cell->bytes = cell->at_peak_bytes = bytes;
    cell->epoch = builder_header(builder)->peak_epoch;
    builder_header(builder)->peak_live_bytes += bytes;
    return cell;
}

#define APP(address) memscope_code(1, address)
#define LIB(address) memscope_code(2, address)
#define PROCESS_START APP(0x1031), APP(0x1041), APP(0x1051)
#define THREAD_START APP(0x1091), APP(0x10a1), APP(0x10b1)
#define STACK(builder, site, awaiter, ...)                                                         \
    builder_context(builder, site, awaiter, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),  \
                    (const uint64_t[]){__VA_ARGS__})

static void set_flags(struct builder *builder, uint32_t ref, uint8_t flags) {
    ((struct memscope_record *)builder_record(builder, ref))->flags = flags;
}

// Coroutines: read() awaited by session(), and read() on its own.
static void add_tasks(struct builder *builder, uint32_t main_thread) {
    uint32_t accept =
        builder_site(builder, MEMSCOPE_SITE_TASK_START, "accept_loop()", "/src/main.cc", 12, 3);
    uint32_t site = builder_site(builder, MEMSCOPE_SITE_NEW, "read(int)", "/src/net.cc", 44, 7);
    uint32_t session = builder_task_class(builder, MEMSCOPE_TASK_COROUTINE, "session(int)",
                                          "/src/net.cc", 20, accept);
    uint32_t read = builder_task_class(builder, MEMSCOPE_TASK_COROUTINE, "read(int)", "/src/net.cc",
                                       40, accept);
    uint32_t alone = builder_awaiter(builder, read, 0);
    uint32_t awaited = builder_awaiter(builder, read, builder_awaiter(builder, session, 0));
    ((struct memscope_awaiter_record *)builder_record(builder, awaited))->line = 27;
    uint32_t stack = STACK(builder, site, awaited, APP(0x10c1));
    builder_stack_cell(builder, stack, site, main_thread, read, 4000);
    stack = STACK(builder, site, alone, APP(0x10c1));
    builder_stack_cell(builder, stack, site, main_thread, read, 500);
    set_flags(builder, stack, MEMSCOPE_CONTEXT_BROKEN);
}

static void add_threads(struct builder *builder, uint32_t site) {
    uint32_t pool =
        builder_site(builder, MEMSCOPE_SITE_THREAD_START, "Pool::start()", "/src/pool.cc", 41, 5);
    uint32_t timer =
        builder_site(builder, MEMSCOPE_SITE_THREAD_START, "Timer::start()", "/src/timer.cc", 9, 5);
    uint32_t stack = STACK(builder, site, 0, APP(0x1011), APP(0x1081), THREAD_START);
    const uint32_t spawns[] = {pool, pool, timer};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t thread = builder_thread(builder, i + 1, i < 2 ? "worker" : "timer", spawns[i]);
        builder_stack_cell(builder, stack, site, thread, 0, 10 + i);
    }
}

void builder_stacks(struct builder *builder, const char *app, uint8_t build_id_byte) {
    builder_begin(builder, 1000);
    struct memscope_profile_header *header = builder_header(builder);
    header->executable_ref = builder_string(builder, "/opt/app");
    header->strategy = MEMSCOPE_STRATEGY_HYBRID_TRACKING;
    header->threads_started = 4;
    header->tasks_started = 2;
    header->main_module_ref = builder_module(builder, app, build_id_byte);
    builder_ordinal(builder, header->main_module_ref, 1);
    uint32_t lib = builder_module(builder, "/nowhere/libfoo.so", 0xEF);
    builder_ordinal(builder, lib, 2);
    uint32_t thread = builder_thread(builder, 0, "app", 0);
    const struct builder_frame callers[] = {{"push(int)", "/src/a.cc", 20, 3}};
    uint32_t push = builder_inlined_site(builder, MEMSCOPE_SITE_MALLOC, "grow(int)", "/src/a.cc",
                                         10, 5, 1, callers);
    uint32_t leaf = builder_site(builder, MEMSCOPE_SITE_NEW, "leaf(node*)", "/src/tree.cc", 15, 9);
    uint32_t foreign = builder_foreign(builder, lib, 0x2011);
    uint32_t stack = STACK(builder, push, 0, APP(0x1011), APP(0x1021), PROCESS_START);
    builder_stack_cell(builder, stack, push, thread, 0, 100);
    stack = STACK(builder, leaf, 0, APP(0x1071), APP(0x1061), APP(0x1061), APP(0x1061), APP(0x1021),
                  PROCESS_START);
    builder_stack_cell(builder, stack, leaf, thread, 0, 20000);
    stack = STACK(builder, foreign, 0, LIB(0x2011), APP(0x1021));
    set_flags(builder, stack, MEMSCOPE_CONTEXT_CUT);
    builder_stack_cell(builder, stack, foreign, thread, 0, 3000);
    builder_stack_cell(builder, 0, leaf, thread, 0, 7); // counted by its site alone
    add_threads(builder, push);
    add_tasks(builder, thread);
}
