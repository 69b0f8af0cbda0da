// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "builder.h"

#include <string.h>

static uint32_t units_of(size_t bytes) {
    return (uint32_t)((bytes + MEMSCOPE_UNIT_BYTES - 1) / MEMSCOPE_UNIT_BYTES);
}

uint32_t builder_ref(const struct builder *builder, const void *record) {
    size_t offset = (size_t)((const uint8_t *)record - builder->bytes);
    return builder_header(builder)->ref_base + (uint32_t)(offset / MEMSCOPE_UNIT_BYTES);
}

uint32_t builder_task_class(struct builder *builder, uint32_t kind, const char *function,
                            const char *file, uint32_t line, uint32_t spawn_site_ref) {
    uint32_t function_ref = builder_string(builder, function);
    uint32_t file_ref = builder_string(builder, file);
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_TASK_CLASS,
                               units_of(sizeof(struct memscope_task_class_record)));
    struct memscope_task_class_record *record = builder_record(builder, ref);
    record->kind = kind;
    record->function_ref = function_ref;
    record->file_ref = file_ref;
    record->line = line;
    record->spawn_site_ref = spawn_site_ref;
    return ref;
}

struct memscope_task_record *builder_task(struct builder *builder, uint32_t class_ref,
                                          uint64_t id) {
    uint32_t ref =
        builder_raw(builder, MEMSCOPE_RECORD_TASK, units_of(sizeof(struct memscope_task_record)));
    struct memscope_task_record *record = builder_record(builder, ref);
    record->class_ref = class_ref;
    record->state = MEMSCOPE_TASK_SUSPENDED;
    record->id = id;
    record->created_ns = 1000000000u + id * 1000000u;
    return record;
}

struct memscope_task_fold_record *builder_fold(struct builder *builder, uint32_t class_ref,
                                               uint32_t thread_ref) {
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_TASK_FOLD,
                               units_of(sizeof(struct memscope_task_fold_record)));
    struct memscope_task_fold_record *record = builder_record(builder, ref);
    record->class_ref = class_ref;
    record->thread_ref = thread_ref;
    return record;
}

void builder_fold_ended(struct memscope_task_fold_record *fold, uint64_t times, uint64_t total,
                        uint64_t peak, uint64_t outlived) {
    const uint64_t values[MEMSCOPE_MEASURES] = {total, peak, outlived};
    fold->ended += times;
    for (int m = 0; m < MEMSCOPE_MEASURES; m++) {
        fold->sum[m] += times * values[m];
        fold->max[m] = values[m] > fold->max[m] ? values[m] : fold->max[m];
        fold->histogram[m][memscope_task_bucket(values[m])] += (uint32_t)times;
    }
}

struct memscope_transfer_record *builder_transfer(struct builder *builder, uint32_t from_ref,
                                                  uint32_t to_ref, uint32_t thread_ref) {
    uint32_t ref = builder_raw(builder, MEMSCOPE_RECORD_TRANSFER,
                               units_of(sizeof(struct memscope_transfer_record)));
    struct memscope_transfer_record *record = builder_record(builder, ref);
    record->from_ref = from_ref;
    record->to_ref = to_ref;
    record->thread_ref = thread_ref;
    return record;
}

static void set_cell(struct builder *builder, uint32_t site, uint32_t thread, uint32_t class_ref,
                     uint64_t bytes, uint64_t freed_bytes) {
    struct memscope_cell_record *cell = builder_cell(builder, site, thread);
    cell->record.flags = class_ref ? MEMSCOPE_CELL_TASK : 0;
    cell->class_ref = class_ref;
    builder_count(cell, bytes / 100);
    cell->bytes = bytes;
    cell->frees = freed_bytes / 100;
    cell->freed_bytes = freed_bytes;
}

static void set_task(struct memscope_task_record *task, uint64_t bytes, uint64_t freed_bytes,
                     uint64_t peak_bytes, uint32_t resumes) {
    task->allocations = bytes / 100;
    task->bytes = bytes;
    task->frees = freed_bytes / 100;
    task->freed_bytes = freed_bytes;
    task->peak_bytes = peak_bytes;
    task->frame_bytes = 136;
    task->resumes = resumes;
}

static void set_edge(struct builder *builder, struct memscope_task_record *task,
                     const struct memscope_task_record *parent, uint16_t edge, uint16_t rule) {
    task->parent_id = parent->id;
    task->parent_ref = builder_ref(builder, parent);
    task->edge = edge;
    task->edge_rule = rule;
}

// What began and what ended, per class and thread.
static void add_folds(struct builder *builder, uint32_t session, uint32_t again, uint32_t reading,
                      uint32_t request, const uint32_t threads[2]) {
    struct memscope_task_fold_record *fold = builder_fold(builder, session, threads[0]);
    fold->started = 102;
    builder_fold_ended(fold, 98, 1000, 800, 0);
    fold->resumes = 98 * 3;
    fold = builder_fold(builder, again, threads[1]);
    builder_fold_ended(fold, 1, 5000, 4000, 300);
    builder_fold_ended(fold, 1, 7000, 4000, 200);
    fold->migrations = 2;
    fold->resumes = 20;
    fold = builder_fold(builder, reading, threads[1]);
    fold->started = 2;
    fold->elided = 1;
    fold = builder_fold(builder, request, threads[1]);
    fold->started = 1;
    builder_fold_ended(fold, 1, 600, 600, 0);
}

void builder_server(struct builder *builder) {
    builder_begin(builder, 1000);
    struct memscope_profile_header *header = builder_header(builder);
    header->executable_ref = builder_string(builder, "/opt/server");
    header->strategy = MEMSCOPE_STRATEGY_HYBRID_TRACKING;
    header->upgrade = MEMSCOPE_UPGRADE_TASK_STARTED;
    header->threads_highest = header->threads_started = 2;
    header->coroutine_sites = 2;
    header->fiber_sites = 1;
    header->peak_live_bytes = 9000;
    uint32_t net = builder_module(builder, "/usr/lib/libnet.so", 0x11);
    uint32_t pool =
        builder_site(builder, MEMSCOPE_SITE_THREAD_START, "Pool::start()", "/src/pool.cc", 41, 5);
    uint32_t site = builder_site(builder, MEMSCOPE_SITE_NEW, "grow()", "/src/buffer.cc", 7, 3);
    uint32_t accept =
        builder_site(builder, MEMSCOPE_SITE_TASK_START, "accept()", "/src/server.cc", 30, 9);
    uint32_t foreign = builder_foreign(builder, net, 0x1f2c);
    const uint32_t threads[2] = {builder_thread(builder, 0, "server", 0),
                                 builder_thread(builder, 1, "worker-1", pool)};
    uint32_t session = builder_task_class(builder, MEMSCOPE_TASK_COROUTINE, "session(Socket)",
                                          "/src/server.cc", 12, accept);
    uint32_t promise = builder_string(
        builder, "boost::asio::detail::awaitable_frame<void, boost::asio::any_io_executor>");
    ((struct memscope_task_class_record *)builder_record(builder, session))->promise_type_ref =
        promise;
    uint32_t again = builder_task_class(builder, MEMSCOPE_TASK_COROUTINE, "session(Socket)",
                                        "/src/server.cc", 12, accept);
    uint32_t reading = builder_task_class(builder, MEMSCOPE_TASK_COROUTINE, "read(Socket&)",
                                          "/src/read.cc", 50, foreign);
    uint32_t request = builder_task_class(builder, MEMSCOPE_TASK_SCOPE, NULL, NULL, 0, 0);
    uint32_t label = builder_string(builder, "request 17");
    ((struct memscope_task_class_record *)builder_record(builder, request))->name_ref =
        builder_string(builder, "query");
    add_folds(builder, session, again, reading, request, threads);

    struct memscope_task_record *first = builder_task(builder, session, 1);
    set_task(first, 1000, 400, 800, 12);
    first->parent_ref = threads[0]; // with parent_id 0: of its root task
    first->edge = MEMSCOPE_EDGE_SPAWN;
    first->edge_rule = MEMSCOPE_RULE_RESUMED_BY_RUNNING;
    first->thread_ref = threads[1];
    first->label_ref = label;
    first->record.flags = MEMSCOPE_TASK_FRAME_COUNTED;
    struct memscope_task_record *outlived = builder_task(builder, again, 5);
    set_task(outlived, 5000, 4700, 4000, 9);
    outlived->state = MEMSCOPE_TASK_OUTLIVED;
    outlived->remote_frees = MEMSCOPE_TASK_ENDED;
    outlived->outlived_blocks = 3;
    outlived->outlived_bytes = 300;
    outlived->ended_ns = 1500000000u;
    struct memscope_task_record *second = builder_task(builder, again, 2); // not in order
    set_task(second, 500, 100, 500, 1);
    second->remote_frees = 4;
    second->remote_freed_bytes = 400;
    second->state = MEMSCOPE_TASK_CREATED;
    struct memscope_task_record *awaited = builder_task(builder, reading, 3);
    set_task(awaited, 2000, 1500, 1200, 40);
    set_edge(builder, awaited, first, MEMSCOPE_EDGE_AWAIT, MEMSCOPE_RULE_AWAITER_HOLDS_FRAME);
    awaited->state = MEMSCOPE_TASK_RUNNING;
    awaited->thread_ref = threads[1];
    awaited->record.flags = MEMSCOPE_TASK_ELIDED;
    awaited->migrations = 2;
    struct memscope_task_record *orphan = builder_task(builder, reading, 4);
    set_task(orphan, 100, 0, 100, 0);
    set_edge(builder, orphan, second, MEMSCOPE_EDGE_SPAWN, MEMSCOPE_RULE_CREATED_BY);
    orphan->parent_id = 99; // whose record another task has now
    struct memscope_task_record *kept = builder_task(builder, again, 6);
    set_task(kept, 7000, 7000, 4000, 11);
    kept->state = MEMSCOPE_TASK_KEPT;
    kept->outlived_blocks = 2;
    kept->outlived_bytes = 200;
    kept->ended_ns = 1600000000u;
    builder_task(builder, session, 7)->state = MEMSCOPE_TASK_FREE;
    builder_task(builder, 0, 0)->state = MEMSCOPE_TASK_FREE;

    set_cell(builder, site, threads[0], session, 99500, 98900);
    set_cell(builder, site, threads[1], again, 12000, 11700);
    set_cell(builder, site, threads[1], reading, 2100, 1500);
    set_cell(builder, site, threads[1], request, 600, 600);
    set_cell(builder, site, threads[0], 0, 5000, 1000);
    set_cell(builder, site, threads[1], 0, 700, 700);
    for (int i = 0; i < 2; i++) { // seen by two threads
        struct memscope_transfer_record *transfer =
            builder_transfer(builder, i ? session : again, threads[0], threads[i]);
        transfer->blocks = 5;
        transfer->bytes = 450;
        transfer->blocks_after_end = 1;
        transfer->bytes_after_end = 50;
        transfer->last_ns = 2200000000u - (uint64_t)i;
    }
    builder_transfer(builder, threads[1], reading, threads[1])->blocks = 1;
}

void builder_crowd(struct builder *builder, uint32_t count, int deep) {
    size_t task_bytes = units_of(sizeof(struct memscope_task_record)) * MEMSCOPE_UNIT_BYTES;
    builder_begin_large(builder, 0, BUILDER_BYTES + (count * task_bytes + 4095) / 4096 * 4096);
    builder_header(builder)->strategy = MEMSCOPE_STRATEGY_TASK_LOCAL;
    builder_header(builder)->coroutine_sites = 1;
    builder_header(builder)->peak_live_bytes = 100 * (uint64_t)count;
    uint32_t site = builder_site(builder, MEMSCOPE_SITE_NEW, "grow()", "/src/buffer.cc", 7, 3);
    uint32_t spawn = builder_site(builder, MEMSCOPE_SITE_TASK_START, "main", "/src/main.cc", 30, 9);
    uint32_t thread = builder_thread(builder, 0, "crowd", 0);
    uint32_t class_ref =
        builder_task_class(builder, MEMSCOPE_TASK_COROUTINE, "one(int)", "/src/main.cc", 12, spawn);
    builder_fold(builder, class_ref, thread)->started = count;
    set_cell(builder, site, thread, class_ref, 100 * (uint64_t)count, 0);
    const struct memscope_task_record *above = NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct memscope_task_record *task = builder_task(builder, class_ref, i + 1);
        set_task(task, 100, 0, 100, 1);
        task->thread_ref = thread;
        if (above)
            set_edge(builder, task, above, deep ? MEMSCOPE_EDGE_AWAIT : MEMSCOPE_EDGE_SPAWN,
                     MEMSCOPE_RULE_AWAITER_HOLDS_FRAME);
        else
            task->parent_ref = thread;
        if (deep || !above)
            above = task;
    }
}
