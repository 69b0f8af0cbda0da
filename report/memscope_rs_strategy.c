// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The older JSON of memscope-rs's backend: one list of blocks and its sums; under the hybrid
// strategy one for the threads' root tasks and one for all other tasks.

#include "memscope_rs_parts.h"

static const char *type_of(uint32_t strategy) {
    if (strategy & MEMSCOPE_STRATEGY_TASKS)
        return "async";
    return strategy & MEMSCOPE_STRATEGY_THREADS ? "thread_local" : "global_direct";
}

// Which blocks: all, or those of root tasks, or the rest.
enum part { WHOLE, OF_THREADS, OF_TASKS };

static bool has_task(enum part part, bool is_of_task) {
    return part == WHOLE || (part == OF_TASKS) == is_of_task;
}

static json_t *allocation(struct writer *writer, const struct ms_rs *rs,
                          const struct ms_block *block, const char *strategy) {
    char address[32];
    snprintf(address, sizeof address, "%" PRIx64, block->address);
    json_t *item = json_object();
    set(writer, item, "ptr", json_string(address));
    set(writer, item, "size", number(block->bytes));
    set(writer, item, "timestamp_alloc", ms_rs_time(rs, block->allocated_ns));
    set(writer, item, "var_name", ms_rs_variable(block));
    set(writer, item, "type_name", ms_rs_type(block));
    set(writer, item, "timestamp_dealloc", ms_rs_time(rs, block->freed_ns));
    set(writer, item, "thread_id", number(ms_rs_thread_id(block->thread)));
    set(writer, item, "thread_name", text_or_null(block->thread ? block->thread->name : NULL));
    set(writer, item, "tracking_strategy", json_string(strategy));
    set(writer, item, "task_id", number(ms_rs_task_of(block)));
    return item;
}

static void put_list(struct writer *writer, const struct ms_rs *rs, const struct ms_block *blocks,
                     size_t count, enum part part, const char *strategy) {
    for (size_t i = 0; i < count; i++)
        if (has_task(part, blocks[i].task_id != 0 || blocks[i].task_class))
            put_item(writer, allocation(writer, rs, &blocks[i], strategy));
}

static json_t *metadata_of(struct writer *writer, const struct ms_rs *rs, enum part part,
                           const char *strategy) {
    const struct memscope_profile_header *header = ms_profile_header(rs->summary->profile);
    uint64_t allocations = 0, bytes = 0;
    for (size_t i = 0; i < rs->task_count; i++) {
        if (!has_task(part, rs->tasks[i].task_class != NULL))
            continue;
        allocations += rs->tasks[i].allocations;
        bytes += rs->tasks[i].bytes;
    }
    json_t *item = json_object();
    set(writer, item, "strategy_type", json_string(strategy));
    set(writer, item, "total_allocations", number(allocations));
    set(writer, item, "total_bytes", number(bytes));
    set(writer, item, "total_threads", number(rs->summary->thread_count));
    set(writer, item, "active_threads", number(header->threads_now));
    set(writer, item, "overhead_bytes",
        number(ms_profile_health(rs->summary->profile)->stored_bytes));
    set(writer, item, "truncated", json_boolean(ms_rs_is_truncated(rs)));
    return item;
}

static void put_part(struct writer *writer, const struct ms_rs *rs, enum part part,
                     const char *strategy) {
    fputs("{\n  \"allocations\": [", writer->out);
    writer->first = true;
    put_list(writer, rs, rs->blocks->alive, rs->blocks->alive_count, part, strategy);
    put_list(writer, rs, rs->blocks->sample, rs->blocks->sample_count, part, strategy);
    end_array(writer);
    put_member(writer, "strategy_metadata", metadata_of(writer, rs, part, strategy));
    fputs("\n}", writer->out);
}

memscope_status ms_put_rs_strategy(const struct ms_rs *rs, FILE *out) {
    uint32_t strategy = ms_profile_header(rs->summary->profile)->strategy;
    struct writer writer = {.out = out};
    if (strategy == (MEMSCOPE_STRATEGY_THREADS | MEMSCOPE_STRATEGY_TASKS)) {
        fputs("{\"thread_data\": ", out);
        put_part(&writer, rs, OF_THREADS, "thread_local");
        fputs(",\n\"async_data\": ", out);
        put_part(&writer, rs, OF_TASKS, "async");
        fputs(",\n\"strategy_type\": \"hybrid\"}", out);
    } else {
        put_part(&writer, rs, WHOLE, type_of(strategy));
    }
    fputs("\n", out);
    return writer.failed ? MEMSCOPE_OUT_OF_MEMORY : MEMSCOPE_OK;
}
