// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "sessions.h"

#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define SESSIONS_SHOWN 10

static void put_session(FILE *out, const struct ms_session *session) {
    char text[MS_NUMBER_BYTES];
    fprintf(out, "session %" PRIu64 ": ", session->number);
    if (session->elapsed_ns > 0)
        fprintf(out, "%s, ", ms_format_duration(session->elapsed_ns, text));
    fprintf(out, "%s call%s", ms_format_count(session->interval.allocations, text),
            session->interval.allocations == 1 ? "" : "s");
    fprintf(out, ", %s", ms_format_bytes(session->interval.bytes, text));
    fprintf(out, ", peak %s", ms_format_bytes(session->peak_bytes, text));
    if (session->peak_error_bytes > 0)
        fprintf(out, " (at most %s more)", ms_format_bytes(session->peak_error_bytes, text));
    fprintf(out, ", live %s", ms_format_bytes(session->live_bytes, text));
    if (session->knows_earlier && session->earlier_frees + session->earlier_frees_error > 0) {
        fprintf(out, ", %s", ms_format_count(session->earlier_frees, text));
        if (session->earlier_frees_error > 0)
            fprintf(out, " to %s",
                    ms_format_count(session->earlier_frees + session->earlier_frees_error, text));
        fputs(" frees of blocks from before", out);
    }
    fprintf(out, ", %s", ms_strategy_name(session->strategy));
    if (session->knows_overhead && isfinite(session->overhead_percent))
        fprintf(out, ", tracking cost about %.1f%% ± %.1f%%", session->overhead_percent,
                session->overhead_error);
    fputs(session->is_open ? ", not ended\n" : "\n", out);
}

memscope_status ms_put_sessions(FILE *out, const struct ms_summary *summary) {
    size_t count;
    struct ms_session *sessions = ms_sessions_read(summary, &count);
    if (!sessions)
        return MEMSCOPE_OUT_OF_MEMORY;
    size_t shown = 0;
    for (size_t i = 0; i < count; i++)
        if (sessions[i].number != 0 && shown++ < SESSIONS_SHOWN)
            put_session(out, &sessions[i]);
    if (shown > SESSIONS_SHOWN)
        fprintf(out, "… %zu more sessions (--json has all)\n", shown - SESSIONS_SHOWN);
    free(sessions);
    return MEMSCOPE_OK;
}

void ms_put_forced_strategy(FILE *out, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    if (ms_profile_strategy_upgraded(header))
        fprintf(out, "the strategy %s was forced and could not have been exact: upgraded to %s\n",
                ms_strategy_name((uint32_t)ms_profile_forced_strategy(header)),
                ms_strategy_name(header->strategy));
}
