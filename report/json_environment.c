// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON: what kind of program it is, and how that is known.

#include "environment.h"
#include "json_parts.h"

#include <profile/sessions.h>

static json_t *upgrade_part(struct writer *writer, const struct ms_summary *summary) {
    static const char *const reasons[] = {
        [MEMSCOPE_UPGRADE_THREAD_STARTED] = "thread_started",
        [MEMSCOPE_UPGRADE_UNKNOWN_THREAD] = "unknown_thread",
        [MEMSCOPE_UPGRADE_TASK_STARTED] = "task_started",
        [MEMSCOPE_UPGRADE_FORCED] = "forced",
    };
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    if (header->upgrade == MEMSCOPE_UPGRADE_NONE)
        return json_null();
    json_t *part = json_object();
    set(writer, part, "reason",
        json_string(header->upgrade <= MEMSCOPE_UPGRADE_FORCED ? reasons[header->upgrade]
                                                               : "unknown"));
    set(writer, part, "site", number_or_null(header->upgrade_site_ref));
    set(writer, part, "after_ms",
        milliseconds(header->upgrade_ns > header->start_monotonic_ns
                         ? header->upgrade_ns - header->start_monotonic_ns
                         : 0));
    return part;
}

static json_t *evidence_part(struct writer *writer, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    json_t *part = json_object();
    char *sentence = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&sentence, &bytes);
    if (stream) {
        ms_put_evidence(stream, summary);
        if (fclose(stream) == 0)
            set(writer, part, "summary", json_string(sentence));
    }
    free(sentence);
    set(writer, part, "instrumented_modules", number(header->instrumented_modules));
    set(writer, part, "modules_without_debug_info", number(header->modules_without_debug_info));
    set(writer, part, "alloc_sites", number(header->alloc_sites));
    set(writer, part, "thread_sites", number(header->thread_sites));
    set(writer, part, "coroutine_sites", number(header->coroutine_sites));
    set(writer, part, "fiber_sites", number(header->fiber_sites));
    set(writer, part, "threads_started", number(header->threads_started));
    set(writer, part, "upgrade", upgrade_part(writer, summary));
    return part;
}

static json_t *runtimes_part(struct writer *writer, const struct ms_summary *summary) {
    struct ms_runtime runtimes[MS_RUNTIMES_MOST];
    size_t count = ms_find_runtimes(summary, runtimes);
    json_t *part = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        set(writer, item, "name", json_string(runtimes[i].name));
        set(writer, item, "linked_in", json_boolean(runtimes[i].linked_in));
        set(writer, item, "used", json_boolean(runtimes[i].used));
        set(writer, item, "tested", json_boolean(runtimes[i].tested));
        set(writer, item, "evidence", text_or_null(runtimes[i].evidence));
        add(writer, part, item);
    }
    return part;
}

json_t *ms_json_environment(struct writer *writer, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    json_t *part = json_object();
    set(writer, part, "kind", json_string(ms_environment_kind(ms_profile_environment(header))));
    set(writer, part, "thread_count", number(header->threads_highest));
    set(writer, part, "async_task_count", number(summary->tasks->async_alive));
    set(writer, part, "runtimes", runtimes_part(writer, summary));
    set(writer, part, "evidence", evidence_part(writer, summary));
    return part;
}
