// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All of a profile as JSON: docs/report.schema.json. The order of keys is fixed. Arrays are written
// item by item, one a line, so that memory stays small whatever the profile holds.

#define _GNU_SOURCE // sigabbrev_np
#include "json_parts.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include <memscope/memscope.h>

// --- parts -------------------------------------------------------------------------------------

const struct ms_json_count ms_json_count_members[] = {
#define MEMBER(name, is_peak) {#name, offsetof(struct ms_counts, name), is_peak}
    MEMBER(allocations, false),
    MEMBER(bytes, false),
    MEMBER(frees, false),
    MEMBER(freed_bytes, false),
    MEMBER(live_allocations, false),
    MEMBER(live_bytes, false),
    MEMBER(peak_bytes, true),
    MEMBER(peak_error_bytes, true),
    MEMBER(at_peak_bytes, false),
    MEMBER(temporary, false),
#undef MEMBER
    {NULL, 0, false},
};

void ms_json_counts(struct writer *writer, json_t *object, const struct ms_counts *counts) {
    for (const struct ms_json_count *member = ms_json_count_members; member->key; member++)
        set(writer, object, member->key,
            member->is_peak && counts->is_estimated ? json_null()
                                                    : number(ms_json_count(counts, member)));
}

json_t *ms_json_profile(struct writer *writer, const struct ms_summary *summary,
                        const char *status) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    const struct ms_profile_health *health = ms_profile_health(summary->profile);
    char version[sizeof header->runtime_version + 1] = {0};
    memcpy(version, header->runtime_version, sizeof header->runtime_version);
    json_t *part = json_object();
    set(writer, part, "file", text_or_null(ms_profile_path(summary->profile)));
    set(writer, part, "format_version", number(header->version));
    set(writer, part, "runtime_version", text_or_null(version));
    set(writer, part, "complete", json_boolean(status == NULL));
    set(writer, part, "message", text_or_null(status));
    set(writer, part, "file_bytes", number(health->file_bytes));
    set(writer, part, "missing_bytes", number(health->missing_bytes));
    set(writer, part, "gap_bytes", number(health->gap_bytes));
    set(writer, part, "pending_records", number(health->pending_records));
    set(writer, part, "cut_records", number(health->cut_records));
    set(writer, part, "damaged_places", number(health->damaged));
    set(writer, part, "forked", json_boolean(header->flags & MEMSCOPE_PROFILE_FORKED));
    set(writer, part, "memory_only", json_boolean(header->flags & MEMSCOPE_PROFILE_MEMORY_ONLY));
    set(writer, part, "static_program", json_boolean(header->flags & MEMSCOPE_PROFILE_STATIC));
    set(writer, part, "strict", json_boolean(header->flags & MEMSCOPE_PROFILE_STRICT));
    return part;
}

static json_t *exit_part(struct writer *writer, const struct memscope_profile_header *header,
                         enum ms_process_state state) {
    if (state != MS_PROCESS_EXITED && state != MS_PROCESS_SIGNALED)
        return json_null();
    json_t *part = json_object();
    if (state == MS_PROCESS_EXITED) {
        set(writer, part, "code", json_integer(header->exit_code));
    } else {
        set(writer, part, "signal", json_integer(header->exit_signal));
        set(writer, part, "signal_name", text_or_null(sigabbrev_np(header->exit_signal)));
    }
    return part;
}

static json_t *process_part(struct writer *writer, const struct ms_summary *summary,
                            enum ms_process_state state) {
    const struct ms_profile *profile = summary->profile;
    const struct memscope_profile_header *header = ms_profile_header(profile);
    char time[MS_NUMBER_BYTES];
    json_t *part = json_object();
    set(writer, part, "command", text_or_null(ms_profile_string(profile, header->command_ref)));
    set(writer, part, "executable",
        text_or_null(ms_profile_string(profile, header->executable_ref)));
    set(writer, part, "pid", number(header->pid));
    set(writer, part, "parent_pid", number(header->parent_pid));
    set(writer, part, "uid", number(header->uid));
    set(writer, part, "state", json_string(ms_process_state_name(state)));
    set(writer, part, "start_time", json_string(ms_format_time(header->start_realtime_ns, time)));
    set(writer, part, "exit", exit_part(writer, header, state));
    set(writer, part, "options", text_or_null(ms_profile_string(profile, header->options_ref)));
    set(writer, part, "allocator", text_or_null(ms_profile_string(profile, header->allocator_ref)));
    return part;
}

static json_t *statistics_part(struct writer *writer, const struct ms_summary *summary,
                               enum ms_process_state state) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    const struct ms_counts *total = &summary->total;
    uint64_t duration_ns = ms_profile_duration_ns(summary->profile, state);
    double average = total->allocations ? (double)total->bytes / (double)total->allocations : 0;
    json_t *part = json_object();
    set(writer, part, "total_allocations", number(total->allocations));
    set(writer, part, "total_bytes", number(total->bytes));
    set(writer, part, "total_frees", number(total->frees));
    set(writer, part, "freed_bytes", number(total->freed_bytes));
    set(writer, part, "live_allocations", number(total->live_allocations));
    set(writer, part, "live_bytes", number(total->live_bytes));
    set(writer, part, "peak_live_bytes", number(total->peak_bytes));
    set(writer, part, "peak_error_bytes", number(total->peak_error_bytes));
    set(writer, part, "at_peak_bytes", number(total->at_peak_bytes));
    set(writer, part, "average_allocation_bytes", json_real(round(average * 100) / 100));
    set(writer, part, "failed_allocations", number(header->failed_allocations));
    set(writer, part, "temporary_allocations", number(total->temporary));
    set(writer, part, "inherited_frees", number(header->inherited_frees));
    set(writer, part, "unknown_frees", number(header->unknown_frees));
    set(writer, part, "session_duration_ms", duration_ns ? milliseconds(duration_ns) : json_null());
    return part;
}

static json_t *coverage_part(struct writer *writer, const struct ms_summary *summary) {
    uint64_t whole = summary->all_sites.bytes;
    json_t *part = json_object();
    set(writer, part, "bytes_with_site", number(summary->bytes_with_site));
    set(writer, part, "bytes_foreign", number(summary->bytes_foreign));
    set(writer, part, "bytes_unplaced", number(summary->bytes_unplaced));
    // Cut, not rounded: 100 means all of it.
    set(writer, part, "percent",
        whole ? json_real(floor((double)summary->bytes_with_site / (double)whole * 10000) / 100)
              : json_null());
    return part;
}

static json_t *frame_part(struct writer *writer, const struct ms_frame *frame) {
    json_t *item = json_object();
    set_place(writer, item, frame->function, frame->file, frame->line);
    set(writer, item, "column", number_or_null(frame->column));
    return item;
}

static json_t *frames_part(struct writer *writer, const struct ms_summary *summary,
                           const struct ms_site *site, uint32_t first) {
    json_t *frames = json_array();
    for (uint32_t i = first; i < ms_site_frame_count(site); i++) {
        struct ms_frame frame = ms_site_frame(summary, site, i);
        add(writer, frames, frame_part(writer, &frame));
    }
    return frames;
}

static json_t *user_frame_part(struct writer *writer, const struct ms_summary *summary,
                               const struct ms_site *site) {
    if (site->user_depth == MS_NO_FRAME)
        return json_null();
    struct ms_frame frame = ms_site_frame(summary, site, site->user_depth);
    return frame_part(writer, &frame);
}

// The cells of a site stand together, sites in the order of ids: binary search for the first.
static const struct ms_cell *cells_of(const struct ms_summary *summary,
                                      const struct ms_site *site) {
    size_t low = 0, high = summary->cell_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (summary->cells[middle].site < site)
            low = middle + 1;
        else
            high = middle;
    }
    return summary->cells + low;
}

static json_t *shares_part(struct writer *writer, const struct ms_summary *summary,
                           const struct ms_site *site) {
    json_t *shares = json_array();
    const struct ms_cell *end = summary->cells + summary->cell_count;
    for (const struct ms_cell *cell = cells_of(summary, site); cell < end && cell->site == site;
         cell++) {
        json_t *share = json_object();
        set(writer, share, "thread", cell->thread ? number(cell->thread->index) : json_null());
        ms_json_counts(writer, share, &cell->counts);
        ms_json_estimate(writer, share, &cell->counts);
        add(writer, shares, share);
    }
    return shares;
}

static json_t *origin_part(const char *name, bool from_source) {
    return name ? json_string(from_source ? "source" : "debug info") : json_null();
}

static json_t *site_part(struct writer *writer, const struct ms_summary *summary,
                         const struct ms_site *site) {
    json_t *part = json_object();
    set(writer, part, "id", number(site->id));
    set_place(writer, part, site->function, site->file, site->line);
    set(writer, part, "column", number_or_null(site->column));
    set(writer, part, "inlined",
        site->foreign ? json_array() : frames_part(writer, summary, site, 1));
    set(writer, part, "user_frame", user_frame_part(writer, summary, site));
    set(writer, part, "kind", json_string(ms_kind_name(site->kind)));
    set(writer, part, "foreign", json_boolean(site->foreign));
    set(writer, part, "module", site->module ? number(site->module->id) : json_null());
    set(writer, part, "module_offset", site->foreign ? number(site->module_offset) : json_null());
    set(writer, part, "symbols",
        site->foreign ? frames_part(writer, summary, site, 0) : json_array());
    set(writer, part, "type", text_or_null(site->type_name));
    set(writer, part, "variable", text_or_null(site->variable_name));
    set(writer, part, "type_from", origin_part(site->type_name, site->type_from_source));
    set(writer, part, "variable_from",
        origin_part(site->variable_name, site->variable_from_source));
    set(writer, part, "container", text_or_null(site->container));
    set(writer, part, "type_bytes", number_or_null(site->type_bytes));
    set(writer, part, "wrapper", text_or_null(ms_site_wrapper(summary, site)));
    ms_json_counts(writer, part, &site->counts);
    ms_json_estimate(writer, part, &site->counts);
    set(writer, part, "threads", shares_part(writer, summary, site));
    return part;
}

static json_t *thread_part(struct writer *writer, const struct ms_summary *summary,
                           const struct ms_thread *thread) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    uint64_t zero_ns = header->start_monotonic_ns;
    json_t *part = json_object();
    set(writer, part, "index", number(thread->index));
    set(writer, part, "thread_id", json_integer(thread->thread_id));
    set(writer, part, "name", text_or_null(thread->name));
    set(writer, part, "state",
        json_string(thread->state == MEMSCOPE_THREAD_EXITED ? "exited" : "running"));
    set(writer, part, "spawn_site",
        thread->spawn_site ? number(thread->spawn_site->id) : json_null());
    set(writer, part, "start_ms",
        milliseconds(thread->start_ns > zero_ns ? thread->start_ns - zero_ns : 0));
    set(writer, part, "end_ms",
        thread->end_ns ? milliseconds(thread->end_ns > zero_ns ? thread->end_ns - zero_ns : 0)
                       : json_null());
    set(writer, part, "shared_by", number(thread->shared_by));
    ms_json_counts(writer, part, &thread->counts);
    return part;
}

static json_t *module_part(struct writer *writer, const struct ms_module *module) {
    char build_id[2 * 32 + 1] = "";
    for (uint32_t i = 0; i < module->build_id_length; i++)
        snprintf(build_id + 2 * i, 3, "%02x", module->build_id[i]);
    json_t *part = json_object();
    set(writer, part, "id", number(module->id));
    set(writer, part, "path", text_or_null(module->path));
    set(writer, part, "build_id", module->build_id_length ? json_string(build_id) : json_null());
    return part;
}

static json_t *losses_part(struct writer *writer, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    json_t *part = json_object();
    for (unsigned i = 0; ms_loss_key(i); i++)
        set(writer, part, ms_loss_key(i), number(header->losses[i]));
    return part;
}

// --- the whole ---------------------------------------------------------------------------------

// Of all sites those that are to be shown, in their order; how many.
static size_t choose_sites(const struct ms_summary *summary, const struct ms_place *place,
                           const struct ms_report_options *options, const struct ms_site **sites) {
    size_t shown = 0;
    uint32_t line;
    ms_summary_order(summary, options->order, sites);
    for (size_t i = 0; i < summary->site_count && (options->top == 0 || shown < options->top); i++)
        if (!place || ms_place_matches(place, summary, sites[i], &line))
            sites[shown++] = sites[i];
    return shown;
}

static void put_sites(struct writer *writer, const struct ms_summary *summary,
                      const struct ms_site **sites, size_t count) {
    begin_array(writer, "sites");
    for (size_t i = 0; i < count; i++)
        put_item(writer, site_part(writer, summary, sites[i]));
    end_array(writer);
}

static void put_lists(struct writer *writer, const struct ms_summary *summary) {
    begin_array(writer, "threads");
    for (size_t i = 0; i < summary->threads_length; i++)
        put_item(writer, thread_part(writer, summary, &summary->threads[i]));
    end_array(writer);
    begin_array(writer, "modules");
    for (size_t i = 0; i < summary->module_count; i++)
        put_item(writer, module_part(writer, &summary->modules[i]));
    end_array(writer);
    begin_array(writer, "units_without_debug_info");
    for (size_t i = 0; i < summary->unit_count; i++) {
        const struct ms_unit *unit = &summary->units_without_debug_info[i];
        json_t *item = json_object();
        set(writer, item, "name", text_or_null(unit->name));
        set(writer, item, "module", unit->module ? number(unit->module->id) : json_null());
        put_item(writer, item);
    }
    end_array(writer);
}

memscope_status ms_report_json(const struct ms_summary *summary, const struct ms_place *place,
                               const struct ms_report_options *options, FILE *out) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    enum ms_process_state state = ms_profile_process_state(summary->profile);
    struct writer writer = {.out = out, .first = true};
    const struct ms_site **sites = calloc(summary->site_count + 1, sizeof *sites);
    if (!sites)
        return MEMSCOPE_OUT_OF_MEMORY;
    size_t count = choose_sites(summary, place, options, sites);
    if (place && count == 0) {
        free(sites);
        return MEMSCOPE_NOT_FOUND;
    }
    json_t *version = json_object();
    set(&writer, version, "version", json_string(MEMSCOPE_VERSION_STRING));
    put_member(&writer, "memscope", version);
    put_member(&writer, "profile", ms_json_profile(&writer, summary, options->status));
    put_member(&writer, "process", process_part(&writer, summary, state));
    put_member(&writer, "environment", ms_json_environment(&writer, summary));
    put_member(&writer, "strategy", json_string(ms_strategy_name(header->strategy)));
    put_member(&writer, "forced_strategy", ms_json_forced_strategy(&writer, summary));
    put_member(&writer, "statistics", statistics_part(&writer, summary, state));
    put_member(&writer, "coverage", coverage_part(&writer, summary));
    put_member(&writer, "sampling", ms_json_sampling(&writer, summary));
    ms_json_tracking(&writer, summary);
    put_member(&writer, "overhead", ms_json_overhead(&writer, summary));
    ms_json_sessions(&writer, summary);
    put_sites(&writer, summary, sites, count);
    ms_json_types(&writer, summary);
    ms_json_contexts(&writer, options->contexts, sites, count);
    put_member(&writer, "context_keys", ms_json_context_keys(&writer, options->contexts));
    put_lists(&writer, summary);
    ms_json_tasks(&writer, summary, NULL);
    put_member(&writer, "losses", losses_part(&writer, summary));
    fputs("\n}\n", out);
    free(sites);
    return writer.failed ? MEMSCOPE_OUT_OF_MEMORY : MEMSCOPE_OK;
}
