// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reading.h"

#include <profile/sampling.h>
#include <profile/sessions.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static const char *sum_up(const struct ms_profile *profile, struct truths_read *read) {
    struct ms_summary *summary;
    if (ms_profile_process_state(profile) != MS_PROCESS_COPIED)
        return "not told as a copy";
    if (ms_profile_health(profile)->damaged != 0)
        return "it has damaged places";
    if (ms_summary_create(profile, &summary) != MEMSCOPE_OK)
        return "no summary";
    read->allocations = summary->total.allocations;
    read->bytes = summary->total.bytes;
    read->frees = summary->total.frees;
    for (size_t i = 0; i < summary->cell_count; i++) {
        const struct ms_counts *counts = &summary->cells[i].counts;
        read->cells_out_of_step +=
            counts->frees > counts->allocations || counts->freed_bytes > counts->bytes;
    }
    struct ms_session *sessions = ms_sessions_read(summary, &read->session_count);
    struct ms_level *levels = ms_levels_read(summary, &read->level_count);
    if (sessions)
        strcpy(read->last_session, sessions[read->session_count - 1].id);
    for (size_t i = 0; sessions && i < read->session_count; i++) {
        read->open_count += sessions[i].is_open;
        read->session_calls += sessions[i].interval.allocations;
    }
    if (levels) {
        const struct ms_level *last = &levels[read->level_count - 1];
        read->level = ms_level_name(last->level);
        read->sample_rate = last->sample_rate;
        read->budget_percent = last->budget_percent;
    }
    free(levels);
    free(sessions);
    ms_summary_destroy(summary);
    return !sessions ? "no sessions" : !levels ? "no levels" : NULL;
}

EXPORT const char *reading_read(const void *bytes, size_t byte_count,
                                struct truths_read *read_out) {
    static _Thread_local char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    memset(read_out, 0, sizeof *read_out);
    if (ms_profile_from_memory("copy", bytes, byte_count, &profile, message) != MEMSCOPE_OK)
        return message;
    const char *problem = sum_up(profile, read_out);
    ms_profile_close(profile);
    return problem;
}
