// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files that list blocks: memory_analysis.json, lifetime.json, leak_detection.json.

#include "memscope_rs_parts.h"

#include <math.h>
#include <string.h>

static json_t *allocation(struct writer *writer, const struct ms_rs *rs,
                          const struct ms_block *block) {
    const struct ms_site *site = block->site;
    json_t *item = json_object();
    set(writer, item, "address", ms_rs_address(block->address));
    set(writer, item, "size", number(block->bytes));
    set(writer, item, "type", json_string(ms_rs_category(site, block->bytes)));
    set(writer, item, "timestamp", ms_rs_time(rs, block->allocated_ns));
    set(writer, item, "thread_id", number(ms_rs_thread_id(block->thread)));
    set(writer, item, "lifetime_ms", ms_rs_lifetime(block));
    set(writer, item, "var_name", ms_rs_variable(block));
    set(writer, item, "type_name", ms_rs_type(block));
    set(writer, item, "module_path",
        text_or_null(site && site->module ? site->module->path : NULL));
    set(writer, item, "task_id", number(ms_rs_task_of(block)));
    set(writer, item, "site", ms_rs_place(rs, site));
    set(writer, item, "is_alive", json_boolean(block->freed_ns == 0));
    return item;
}

static json_t *distribution(struct writer *writer, const struct ms_rs *rs) {
    json_t *part = json_object();
    for (size_t category = 0; ms_rs_category_name(category); category++) {
        uint64_t count = 0;
        for (size_t i = 0; i < rs->summary->site_count; i++) {
            const struct ms_site *site = &rs->summary->sites[i];
            const struct ms_counts *counts = &site->counts;
            if (counts->allocations > 0 &&
                strcmp(ms_rs_category(site, counts->bytes / counts->allocations),
                       ms_rs_category_name(category)) == 0)
                count += counts->allocations;
        }
        set(writer, part, ms_rs_category_name(category), number(count));
    }
    return part;
}

void ms_rs_memory_analysis(struct writer *writer, const struct ms_rs *rs) {
    const struct ms_counts *total = &rs->summary->total;
    double average = total->allocations ? (double)total->bytes / (double)total->allocations : 0;
    json_t *metadata = ms_rs_metadata(writer, rs, "memory analysis", true);
    set(writer, metadata, "total_allocations", number(total->allocations));
    set(writer, metadata, "total_size_bytes", number(total->bytes));
    put_member(writer, "metadata", metadata);
    begin_array(writer, "allocations");
    ms_rs_each_block(writer, rs, allocation);
    end_array(writer);
    json_t *statistics = json_object();
    set(writer, statistics, "total_allocations", number(total->allocations));
    set(writer, statistics, "total_size_bytes", number(total->bytes));
    set(writer, statistics, "average_size_bytes", json_real(round(average * 100) / 100));
    set(writer, statistics, "total_deallocations", number(total->frees));
    set(writer, statistics, "current_size_bytes", number(total->live_bytes));
    set(writer, statistics, "peak_size_bytes", number(total->peak_bytes));
    put_member(writer, "statistics", statistics);
    put_member(writer, "type_distribution", distribution(writer, rs));
}

// --- lifetimes ---------------------------------------------------------------------------------

static json_t *event(struct writer *writer, const char *type, json_t *timestamp, json_t *context) {
    json_t *item = json_object();
    set(writer, item, "event_type", json_string(type));
    set(writer, item, "timestamp", timestamp);
    set(writer, item, "context", context);
    return item;
}

// "thread 3 (worker)"
static json_t *thread_text(const struct ms_thread *thread) {
    char text[64];
    if (!thread)
        return json_null();
    snprintf(text, sizeof text, "thread %" PRIu64 " (%s)", ms_rs_thread_id(thread), thread->name);
    return text_or_null(text);
}

static json_t *history(struct writer *writer, const struct ms_rs *rs,
                       const struct ms_block *block) {
    json_t *item = json_object(), *events = json_array();
    set(writer, item, "address", ms_rs_address(block->address));
    set(writer, item, "var_name", ms_rs_variable(block));
    set(writer, item, "type_name", ms_rs_type(block));
    set(writer, item, "size", number(block->bytes));
    set(writer, item, "timestamp_alloc", ms_rs_time(rs, block->allocated_ns));
    set(writer, item, "timestamp_dealloc", ms_rs_time(rs, block->freed_ns));
    set(writer, item, "lifetime_ms", ms_rs_lifetime(block));
    add(writer, events,
        event(writer, "Allocated", ms_rs_time(rs, block->allocated_ns),
              ms_rs_place(rs, block->site)));
    if (block->freed_ns != 0)
        add(writer, events,
            event(writer, "Deallocated", ms_rs_time(rs, block->freed_ns),
                  thread_text(block->freed_by)));
    set(writer, item, "events", events);
    set(writer, item, "task_id", number(ms_rs_task_of(block)));
    set(writer, item, "thread_id", number(ms_rs_thread_id(block->thread)));
    return item;
}

void ms_rs_lifetime_file(struct writer *writer, const struct ms_rs *rs) {
    json_t *metadata = ms_rs_metadata(writer, rs, "ownership histories", true);
    set(writer, metadata, "total_tracked_allocations",
        number(rs->blocks->alive_count + rs->blocks->sample_count));
    put_member(writer, "metadata", metadata);
    begin_array(writer, "ownership_histories");
    ms_rs_each_block(writer, rs, history);
    end_array(writer);
}

// --- leaks -------------------------------------------------------------------------------------

// "allocated by list.c:12 push(), never freed"
static json_t *lifecycle(const struct ms_rs *rs, const struct ms_block *block) {
    json_t *place = ms_rs_place(rs, block->site);
    const char *text = json_is_string(place) ? json_string_value(place) : "an unknown site";
    json_t *summary = json_sprintf("allocated by %s, never freed", text);
    json_decref(place);
    return summary;
}

static json_t *leak(struct writer *writer, const struct ms_rs *rs, const struct ms_block *block) {
    const struct memscope_profile_header *header = ms_profile_header(rs->summary->profile);
    json_t *item = json_object();
    set(writer, item, "passport_id",
        json_sprintf("%016" PRIx64 "-%" PRIx64 "-%" PRIu64, header->instance[0], block->address,
                     block->allocated_ns));
    set(writer, item, "memory_address", ms_rs_address(block->address));
    set(writer, item, "size_bytes", number(block->bytes));
    set(writer, item, "lifecycle_summary", lifecycle(rs, block));
    set(writer, item, "task_id", number(ms_rs_task_of(block)));
    set(writer, item, "site", ms_rs_place(rs, block->site));
    return item;
}

void ms_rs_leak_detection(struct writer *writer, const struct ms_rs *rs) {
    // What a program that goes on holds may still be freed.
    bool is_over = rs->state == MS_PROCESS_EXITED || rs->state == MS_PROCESS_SIGNALED ||
                   rs->state == MS_PROCESS_VANISHED;
    uint64_t leaks = is_over ? rs->summary->total.live_allocations : 0;
    uint64_t bytes = is_over ? rs->summary->total.live_bytes : 0;
    json_t *metadata = ms_rs_metadata(writer, rs, "leak detection", false);
    set(writer, metadata, "leaks_detected", number(leaks));
    set(writer, metadata, "process_state", json_string(ms_process_state_name(rs->state)));
    put_member(writer, "metadata", metadata);
    fprintf(writer->out,
            ",\n  \"leak_detection\": {\"total_leaks\": %" PRIu64
            ", \"total_leaked_bytes\": %" PRIu64 ", \"leak_details\": [",
            leaks, bytes);
    writer->first = true;
    for (size_t i = 0; is_over && i < rs->blocks->alive_count; i++)
        put_item(writer, leak(writer, rs, &rs->blocks->alive[i]));
    end_array(writer);
    fputc('}', writer->out);
}
