// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON: sessions, and the strategy that was asked for.

#include "json_parts.h"

#include <math.h>
#include <profile/sessions.h>

static json_t *statistics_part(struct writer *writer, const struct ms_session *session) {
    const struct memscope_session_totals *interval = &session->interval;
    double average =
        interval->allocations ? (double)interval->bytes / (double)interval->allocations : 0;
    bool earlier = session->knows_earlier;
    json_t *part = json_object();
    set(writer, part, "total_allocations", number(interval->allocations));
    set(writer, part, "total_bytes", number(interval->bytes));
    set(writer, part, "total_frees", number(interval->frees));
    set(writer, part, "freed_bytes", number(interval->freed_bytes));
    set(writer, part, "live_allocations", number(session->live_allocations));
    set(writer, part, "live_bytes", number(session->live_bytes));
    set(writer, part, "peak_memory_bytes", number(session->peak_bytes));
    set(writer, part, "peak_error_bytes", number(session->peak_error_bytes));
    set(writer, part, "avg_allocation_size", json_real(round(average * 100) / 100));
    set(writer, part, "session_duration_ms",
        session->elapsed_ns ? milliseconds(session->elapsed_ns) : json_null());
    set(writer, part, "earlier_frees", earlier ? number(session->earlier_frees) : json_null());
    set(writer, part, "earlier_frees_error",
        earlier ? number(session->earlier_frees_error) : json_null());
    set(writer, part, "earlier_freed_bytes",
        earlier ? number(session->earlier_freed_bytes) : json_null());
    set(writer, part, "earlier_freed_bytes_error",
        earlier ? number(session->earlier_freed_bytes_error) : json_null());
    return part;
}

static json_t *environment_part(struct writer *writer, const struct ms_session *session) {
    json_t *part = json_object();
    set(writer, part, "kind", json_string(ms_environment_kind(session->environment)));
    set(writer, part, "thread_count", number(session->thread_highest));
    set(writer, part, "async_task_count", number(session->async_task_count));
    return part;
}

static json_t *overhead(const struct ms_session *session, double value) {
    return session->knows_overhead && isfinite(value) ? json_real(value) : json_null();
}

static json_t *session_part(struct writer *writer, const struct ms_session *session) {
    char time[MS_NUMBER_BYTES];
    json_t *part = json_object();
    set(writer, part, "id", json_string(session->id));
    set(writer, part, "start", json_string(ms_format_time(session->start_realtime_ns, time)));
    set(writer, part, "elapsed_ms",
        session->elapsed_ns ? milliseconds(session->elapsed_ns) : json_null());
    set(writer, part, "ended", json_boolean(!session->is_open));
    set(writer, part, "whole_process", json_boolean(session->number == 0));
    set(writer, part, "environment", environment_part(writer, session));
    set(writer, part, "strategy", json_string(ms_strategy_name(session->strategy)));
    set(writer, part, "statistics", statistics_part(writer, session));
    set(writer, part, "overhead_percent", overhead(session, session->overhead_percent));
    set(writer, part, "overhead_error", overhead(session, session->overhead_error));
    return part;
}

void ms_json_sessions(struct writer *writer, const struct ms_summary *summary) {
    size_t count = 0;
    struct ms_session *sessions = ms_sessions_read(summary, &count);
    writer->failed = writer->failed || !sessions;
    begin_array(writer, "sessions");
    for (size_t i = 0; sessions && i < count; i++)
        put_item(writer, session_part(writer, &sessions[i]));
    end_array(writer);
    free(sessions);
}

json_t *ms_json_forced_strategy(struct writer *writer, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    int forced = ms_profile_forced_strategy(header);
    if (forced == MEMSCOPE_STRATEGY_NONE)
        return json_null();
    json_t *part = json_object();
    set(writer, part, "name", json_string(ms_strategy_name((uint32_t)forced)));
    set(writer, part, "upgraded", json_boolean(ms_profile_strategy_upgraded(header)));
    return part;
}
