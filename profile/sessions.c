// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "sessions.h"

#include "internal.h"
#include "sampling.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

uint32_t ms_profile_environment(const struct memscope_profile_header *header) {
    if (header->forced_strategy == 0)
        return header->strategy;
    return (header->threads_started > 1 ? MEMSCOPE_STRATEGY_THREADS : 0) |
           (header->tasks_started > 0 ? MEMSCOPE_STRATEGY_TASKS : 0);
}

int ms_profile_forced_strategy(const struct memscope_profile_header *header) {
    return header->forced_strategy <= MEMSCOPE_STRATEGY_HYBRID_TRACKING + 1
               ? (int)header->forced_strategy - 1
               : MEMSCOPE_STRATEGY_NONE;
}

bool ms_profile_strategy_upgraded(const struct memscope_profile_header *header) {
    int forced = ms_profile_forced_strategy(header);
    return forced != MEMSCOPE_STRATEGY_NONE && (header->strategy & ~(uint32_t)forced) != 0;
}

static void put_id(struct ms_session *session, const struct memscope_profile_header *header) {
    snprintf(session->id, sizeof session->id, "%016" PRIx64 "%016" PRIx64 "-%" PRIu64,
             header->instance[0], header->instance[1], session->number);
}

static struct ms_session whole_life(const struct ms_summary *summary) {
    const struct memscope_profile_header *header = &summary->profile->header;
    const struct ms_counts *total = &summary->total;
    enum ms_process_state state = ms_profile_process_state(summary->profile);
    struct ms_session session = {
        .is_open = header->end_monotonic_ns == 0 && state == MS_PROCESS_RUNNING,
        .start_realtime_ns = header->start_realtime_ns,
        .elapsed_ns = ms_profile_duration_ns(summary->profile, state),
        .environment = header->flags & MEMSCOPE_PROFILE_NO_DETECT
                           ? MEMSCOPE_ENVIRONMENT_SINGLE_THREADED
                           : ms_profile_environment(header),
        .strategy = header->strategy,
        .thread_highest = header->threads_highest,
        .async_task_count = summary->tasks ? summary->tasks->async_alive : 0,
        .interval = {total->allocations, total->bytes, total->frees, total->freed_bytes},
        .live_allocations = total->live_allocations,
        .live_bytes = total->live_bytes,
        .peak_bytes = total->peak_bytes,
        .peak_error_bytes = total->peak_error_bytes,
        .knows_earlier = true,
    };
    struct ms_overhead overhead;
    session.knows_overhead = ms_overhead_read(summary->profile, &overhead);
    session.overhead_percent = overhead.percent;
    session.overhead_error = overhead.error;
    put_id(&session, header);
    return session;
}

// While it is open the header and the cells say what its record does not yet.
static void read_open(struct ms_session *session, const struct memscope_session_record *record,
                      const struct ms_session *life, uint64_t latest_peak) {
    uint64_t after_ns = ms_sub(session->start_realtime_ns, life->start_realtime_ns);
    session->is_open = true;
    session->elapsed_ns = ms_sub(life->elapsed_ns, after_ns);
    session->environment = life->environment;
    session->strategy = life->strategy;
    session->thread_highest = life->thread_highest;
    session->async_task_count = life->async_task_count;
    session->live_allocations = life->live_allocations;
    session->live_bytes = life->live_bytes;
    session->peak_bytes = ms_max(ms_max(record->peak_bytes, latest_peak), life->live_bytes);
    session->peak_error_bytes = life->peak_error_bytes;
}

static void read_ended(struct ms_session *session, const struct memscope_session_record *record) {
    session->elapsed_ns = ms_sub(record->end_ns, record->start_ns);
    session->environment = record->environment;
    session->strategy = record->strategy;
    session->thread_highest = record->thread_highest;
    session->async_task_count = record->async_task_count;
    session->live_allocations = ms_sub(record->end.allocations, record->end.frees);
    session->live_bytes = ms_sub(record->end.bytes, record->end.freed_bytes);
    session->peak_bytes = record->peak_bytes;
    session->peak_error_bytes = record->peak_error_bytes;
    session->knows_earlier = true;
    session->earlier_frees = record->earlier_frees;
    session->earlier_frees_error = record->earlier_frees_error;
    session->earlier_freed_bytes = record->earlier_freed_bytes;
    session->earlier_freed_bytes_error = record->earlier_freed_bytes_error;
}

static struct ms_session read_session(const struct ms_profile *profile,
                                      const struct memscope_session_record *record,
                                      const struct ms_session *life) {
    const struct memscope_profile_header *header = &profile->header;
    const struct memscope_session_totals *end =
        record->state == MEMSCOPE_SESSION_OPEN ? &life->interval : &record->end;
    struct ms_session session = {
        .number = record->number,
        .start_realtime_ns =
            ms_add(header->start_realtime_ns, ms_sub(record->start_ns, header->start_monotonic_ns)),
        .interval = {ms_sub(end->allocations, record->start.allocations),
                     ms_sub(end->bytes, record->start.bytes),
                     ms_sub(end->frees, record->start.frees),
                     ms_sub(end->freed_bytes, record->start.freed_bytes)},
        .knows_overhead = (record->record.flags & MEMSCOPE_SESSION_OVERHEAD) != 0,
        .overhead_percent = record->overhead_percent,
        .overhead_error = record->overhead_error,
    };
    put_id(&session, header);
    if (record->state == MEMSCOPE_SESSION_OPEN)
        read_open(&session, record, life, header->latest_peak & MEMSCOPE_LATEST_PEAK_BYTES);
    else
        read_ended(&session, record);
    return session;
}

static int compare_numbers(const void *left, const void *right) {
    const struct ms_session *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

struct ms_session *ms_sessions_read(const struct ms_summary *summary, size_t *count_out) {
    const struct ms_profile *profile = summary->profile;
    size_t most = 1, count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        most += profile->types[unit] == MEMSCOPE_RECORD_SESSION;
    struct ms_session *sessions = calloc(most, sizeof *sessions);
    if (!sessions)
        return NULL;
    const struct ms_session life = whole_life(summary);
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        const struct memscope_session_record *record = (const void *)ms_at(profile, unit);
        if (profile->types[unit] == MEMSCOPE_RECORD_SESSION &&
            record->state != MEMSCOPE_SESSION_UNUSED)
            sessions[count++] = read_session(profile, record, &life);
    }
    if (count == 0)
        sessions[count++] = life;
    qsort(sessions, count, sizeof *sessions, compare_numbers);
    *count_out = count;
    return sessions;
}
