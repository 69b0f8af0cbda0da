// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions. Each has a record in the profile and, while it is open, a mapping with what every cell
// said at its start.
//
// The peak: header.latest_peak is the highest since the latest session began. When one begins, what
// that was until now goes to all that are open, so each one's peak is the highest of what it was
// given and header.latest_peak.

#include "backend.h"

#include "environment.h"

#include "base/text.h"
#include "store/arena.h"
#include "strategy/strategy.h"

#include <string.h>

struct session {
    struct session *next; // of the open ones
    struct memscope_session_record *record;
    uint64_t number;
    uint64_t mapped_bytes;
    uint32_t users;  // who still needs the mapping: the open session itself, those who collect
    bool is_started; // its start is written down
    struct memscope_session_totals start;
    struct ms_overhead_sum start_overhead;
    uint64_t start_ns;
    uint64_t cell_count;
    struct ms_cell_start cells[];
};

enum { KEPT = 4096 };

// Of the process whose profile begins at `base`. Under the lock.
static struct {
    uint32_t base;
    struct session *open;
    uint32_t ended[KEPT]; // refs of records, by when they ended
    uint64_t ended_count; // so far
    uint64_t reused_count;
} sessions;

static void forget_parents(void) {
    if (sessions.base == ms_shared.ref_base)
        return;
    sessions.base = ms_shared.ref_base;
    sessions.open = NULL;
    sessions.ended_count = sessions.reused_count = 0;
}

static uint64_t latest_peak(void) {
    return ms_load(&ms_shared.header->latest_peak) & MEMSCOPE_LATEST_PEAK_BYTES;
}

static void raise_peak(struct memscope_session_record *record, uint64_t bytes) {
    if (bytes > ms_load(&record->peak_bytes))
        ms_store(&record->peak_bytes, bytes);
}

static uint64_t handle_of(const struct session *session) {
    uint64_t unit =
        (uint64_t)((const char *)session->record - ms_shared.units) / MEMSCOPE_UNIT_BYTES;
    return unit << 32 | (uint32_t)session->number;
}

// ---- handles -----------------------------------------------------------------------------------

// The open session of a handle; NULL: the call has failed. Under the lock.
static struct session *find(struct ms_call *call, memscope_session handle) {
    for (struct session *session = sessions.open; session; session = session->next)
        if (session->is_started && handle_of(session) == handle)
            return session;
    uint32_t number = (uint32_t)handle;
    if (number != 0 && number <= ms_load(&ms_shared.header->sessions_started))
        (void)ms_call_fail(call, MEMSCOPE_ENDED, "the session has ended", NULL);
    else
        (void)ms_call_fail(call, MEMSCOPE_INVALID_ARGUMENT, "no session has this handle", NULL);
    return NULL;
}

// The same with the lock, which is held afterwards where a session was found.
static struct session *find_locked(struct ms_call *call, memscope_session handle) {
    if (ms_handle_check(call, handle, "session") != MEMSCOPE_OK)
        return NULL;
    if (!ms_call_lock(call))
        return NULL;
    forget_parents();
    struct session *session = find(call, handle);
    if (!session)
        ms_backend_unlock();
    return session;
}

static void unlink_open(struct session *session) {
    struct session **place = &sessions.open;
    while (*place && *place != session)
        place = &(*place)->next;
    if (*place)
        *place = session->next;
}

// Whoever is the last gives the mapping back.
static void release(struct session *session) {
    if (__atomic_fetch_sub(&session->users, 1, __ATOMIC_ACQ_REL) == 1)
        ms_sys_unmap(session, session->mapped_bytes);
}

// ---- start -------------------------------------------------------------------------------------

// A record never used, or that of the session that ended first where many have.
static struct memscope_session_record *take_record(void) {
    struct memscope_session_record *record;
    uint32_t ref;
    if (sessions.ended_count - sessions.reused_count >= KEPT) {
        record = ms_ref(sessions.ended[sessions.reused_count++ % KEPT]);
        ms_release(&record->state, (uint32_t)MEMSCOPE_SESSION_UNUSED);
        const size_t skip = offsetof(struct memscope_session_record, strategy);
        memset((char *)record + skip, 0, sizeof *record - skip);
        return record;
    }
    record = ms_arena_take(sizeof *record / MEMSCOPE_UNIT_BYTES, true, &ref);
    if (record)
        ms_arena_publish(record, MEMSCOPE_RECORD_SESSION);
    return record;
}

_Static_assert(sizeof(struct memscope_session_record) % MEMSCOPE_UNIT_BYTES == 0, "whole units");

static struct session *map_session(void) {
    uint64_t most = ms_snapshot_cells_most();
    uint64_t bytes = sizeof(struct session) + most * sizeof(struct ms_cell_start);
    struct session *session = ms_sys_map_anonymous(bytes);
    if (!session)
        return NULL;
    session->mapped_bytes = bytes;
    session->users = 1;
    return session;
}

static void begin_peak(void) {
    uint64_t before = ms_strategy_begin_peak();
    for (struct session *session = sessions.open; session; session = session->next)
        raise_peak(session->record, before);
}

// Among the open ones from here on. Under the lock.
static bool enlist(struct ms_call *call, struct session *session) {
    session->record = take_record();
    if (!session->record) {
        (void)ms_call_fail(call, MEMSCOPE_OUT_OF_MEMORY, "no room for a session in the profile",
                           NULL);
        return false;
    }
    session->number = ms_add(&ms_shared.header->sessions_started, 1u) + 1;
    begin_peak();
    session->next = sessions.open;
    sessions.open = session;
    return true;
}

static void write_start(struct session *session) {
    struct memscope_session_record *record = session->record;
    uint64_t most = (session->mapped_bytes - sizeof *session) / sizeof session->cells[0];
    session->cell_count = ms_snapshot_start(session->cells, most, &session->start);
    ms_overhead_measure(&session->start_overhead);
    session->start_ns = ms_sys_clock_monotonic_ns();
    record->number = session->number;
    record->start = session->start;
    record->start_ns = session->start_ns;
    record->strategy = ms_load(&ms_shared.header->strategy);
}

static memscope_status start(struct ms_call *call, memscope_backend backend,
                             memscope_session *session_out) {
    struct session *session = map_session();
    if (!session)
        return ms_call_fail(call, MEMSCOPE_OUT_OF_MEMORY, "out of memory for a session", NULL);
    if (!ms_call_lock(call)) {
        release(session);
        return call->status;
    }
    forget_parents();
    bool is_enlisted = enlist(call, session);
    ms_backend_unlock();
    if (!is_enlisted) {
        release(session);
        return call->status;
    }
    write_start(session);
    if (!ms_backend_lock_again()) // it stays among the open ones, which nobody reads any more
        return ms_call_fail(call, MEMSCOPE_NOT_LINKED, NULL);
    if (ms_backend_is_open(backend)) {
        session->is_started = true;
        ms_release(&session->record->state, (uint32_t)MEMSCOPE_SESSION_OPEN);
        *session_out = handle_of(session);
    } else {
        unlink_open(session);
        (void)ms_call_fail(call, MEMSCOPE_ENDED, "the backend is shut down", NULL);
    }
    ms_backend_unlock();
    if (call->status != MEMSCOPE_OK)
        release(session);
    return call->status;
}

static void say(struct ms_call *call, uint32_t number, const char *what) {
    char digits[24];
    struct ms_text text = ms_text_in(digits, sizeof digits);
    ms_text_number(&text, number);
    ms_call_say(call, MEMSCOPE_LOG_DETAIL, "session ", digits, what, NULL);
}

memscope_status __memscope_session_start(memscope_backend backend, memscope_session *session_out) {
    struct ms_call call = ms_call_begin();
    if (call.status == MEMSCOPE_OK && !session_out)
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "session_out is NULL", NULL);
    else if (call.status == MEMSCOPE_OK && ms_backend_check(&call, backend) == MEMSCOPE_OK &&
             start(&call, backend, session_out) == MEMSCOPE_OK)
        say(&call, (uint32_t)*session_out, " begins");
    return ms_call_end(&call);
}

// ---- what it says of itself --------------------------------------------------------------------

memscope_status __memscope_session_name(memscope_session handle, char *id_out) {
    struct ms_call call = ms_call_begin();
    uint32_t number = (uint32_t)handle;
    if (call.status == MEMSCOPE_OK && !id_out)
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "id_out is NULL", NULL);
    if (call.status != MEMSCOPE_OK || ms_handle_check(&call, handle, "session") != MEMSCOPE_OK)
        return ms_call_end(&call);
    if (number == 0 || number > ms_load(&ms_shared.header->sessions_started))
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "no session has this handle", NULL);
    else
        ms_session_name(id_out, number);
    return ms_call_end(&call);
}

memscope_status __memscope_session_elapsed(memscope_session handle, uint64_t *ns_out) {
    struct ms_call call = ms_call_begin();
    const struct session *session = NULL;
    if (call.status == MEMSCOPE_OK && !ns_out)
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "ns_out is NULL", NULL);
    else if (call.status == MEMSCOPE_OK)
        session = find_locked(&call, handle);
    if (session) {
        uint64_t start_ns = session->start_ns;
        ms_backend_unlock();
        *ns_out = ms_sys_clock_monotonic_ns() - start_ns;
    }
    return ms_call_end(&call);
}

// ---- collect, end ------------------------------------------------------------------------------

// Its peak so far. Under the lock.
static uint64_t peak_of(const struct session *session) {
    ms_strategy_publish();
    uint64_t before = ms_load(&session->record->peak_bytes), latest = latest_peak();
    return before > latest ? before : latest;
}

static void take_figures(const struct session *session, uint64_t peak_bytes, uint64_t now_ns,
                         struct ms_interval *interval, struct memscope_analysis *data) {
    memset(data, 0, sizeof *data);
    ms_snapshot_now(session->cells, session->cell_count, interval);
    ms_analysis_statistics(data, &session->start, interval, now_ns - session->start_ns, peak_bytes);
    ms_analysis_overhead(data, interval, &session->start_overhead);
    ms_analysis_name(data, session->number, session->start_ns);
}

static memscope_status collect(struct ms_call *call, memscope_session handle,
                               struct memscope_analysis *out) {
    struct memscope_analysis data;
    struct ms_interval interval;
    struct session *session = find_locked(call, handle);
    if (!session)
        return call->status;
    ms_add(&session->users, 1u);
    uint64_t peak_bytes = peak_of(session);
    ms_backend_unlock();
    take_figures(session, peak_bytes, ms_sys_clock_monotonic_ns(), &interval, &data);
    release(session);
    if (ms_analysis_fill(call, &data) == MEMSCOPE_OK)
        *out = data;
    return call->status;
}

memscope_status __memscope_session_collect(memscope_session handle, struct memscope_analysis *out) {
    struct ms_call call = ms_call_begin();
    if (call.status == MEMSCOPE_OK && !out)
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "data_out is NULL", NULL);
    else if (call.status == MEMSCOPE_OK)
        (void)collect(&call, handle, out);
    return ms_call_end(&call);
}

static void write_end(const struct session *session, const struct ms_interval *interval,
                      const struct memscope_analysis *data, uint64_t end_ns) {
    struct memscope_session_record *record = session->record;
    const struct memscope_statistics *statistics = &data->statistics;
    struct memscope_environment environment;
    if (ms_environment_detect(&environment)) {
        record->environment = (uint32_t)environment.kind;
        record->thread_highest = environment.thread_highest;
        record->async_task_count = environment.async_task_count;
    }
    record->strategy = ms_load(&ms_shared.header->strategy);
    record->end_ns = end_ns;
    record->end = interval->now;
    record->peak_bytes = statistics->peak_memory_bytes;
    record->peak_error_bytes = statistics->peak_error_bytes;
    record->earlier_frees = statistics->earlier_frees;
    record->earlier_frees_error = statistics->earlier_frees_error;
    record->earlier_freed_bytes = statistics->earlier_freed_bytes;
    record->earlier_freed_bytes_error = statistics->earlier_freed_bytes_error;
    record->overhead_percent = data->session_metadata.overhead_percent;
    record->overhead_error = data->session_metadata.overhead_error;
    if (record->overhead_percent == record->overhead_percent) // not NaN
        record->record.flags |= MEMSCOPE_SESSION_OVERHEAD;
    ms_release(&record->state, (uint32_t)MEMSCOPE_SESSION_ENDED);
}

// One that is no longer among the open ones.
static void finish(struct session *session, uint64_t peak_bytes, struct memscope_analysis *data) {
    struct ms_interval interval;
    uint64_t end_ns = ms_sys_clock_monotonic_ns();
    uint32_t ref = (uint32_t)(handle_of(session) >> 32);
    take_figures(session, peak_bytes, end_ns, &interval, data);
    write_end(session, &interval, data, end_ns);
    release(session);
    if (!ms_backend_lock_again())
        return;
    sessions.ended[sessions.ended_count++ % KEPT] = ref;
    ms_backend_unlock();
}

memscope_status __memscope_session_end(memscope_session handle, struct memscope_analysis *out) {
    struct ms_call call = ms_call_begin();
    struct memscope_analysis data;
    if (call.status != MEMSCOPE_OK)
        return ms_call_end(&call);
    struct session *session = find_locked(&call, handle);
    if (!session)
        return ms_call_end(&call);
    uint64_t peak_bytes = peak_of(session);
    unlink_open(session);
    ms_backend_unlock();
    finish(session, peak_bytes, &data);
    say(&call, (uint32_t)handle, " ends");
    if (out && ms_analysis_fill(&call, &data) == MEMSCOPE_OK)
        *out = data;
    return ms_call_end(&call);
}

void ms_sessions_end_all(void) {
    for (;;) {
        struct memscope_analysis data;
        if (!ms_backend_lock())
            return;
        forget_parents();
        struct session *session = sessions.open;
        while (session && !session->is_started)
            session = session->next;
        uint64_t peak_bytes = session ? peak_of(session) : 0;
        if (session)
            unlink_open(session);
        ms_backend_unlock();
        if (!session)
            return;
        finish(session, peak_bytes, &data);
    }
}
