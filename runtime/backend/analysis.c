// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a collection hands over (memscope_analysis). The copy of the profile is its only memory.

#include "backend.h"

#include "base/text.h"
#include "collect/governor.h"
#include "environment.h"

#include <errno.h>
#include <string.h>

void ms_session_name(char id_out[MEMSCOPE_SESSION_ID_BYTES], uint64_t number) {
    static const char digits[] = "0123456789abcdef";
    char hex[33];
    for (unsigned i = 0; i < 32; i++)
        hex[i] = digits[ms_shared.header->instance[i / 16] >> (60 - 4 * (i % 16)) & 15];
    hex[32] = '\0';
    struct ms_text text = ms_text_in(id_out, MEMSCOPE_SESSION_ID_BYTES);
    ms_text_string(&text, hex);
    ms_text_string(&text, "-");
    ms_text_number(&text, number);
}

uint64_t ms_peak_error(void) {
    const struct memscope_profile_header *header = ms_shared.header;
    if (ms_single_threaded())
        return 0;
    return (uint64_t)ms_load(&header->threads_highest) * header->credit_bytes;
}

void ms_analysis_name(struct memscope_analysis *data, uint64_t number, uint64_t start_ns) {
    const struct memscope_profile_header *header = ms_shared.header;
    ms_session_name(data->session_metadata.session_id, number);
    data->session_metadata.start_realtime_ns =
        header->start_realtime_ns + (start_ns - header->start_monotonic_ns);
}

void ms_analysis_statistics(struct memscope_analysis *data,
                            const struct memscope_session_totals *start,
                            const struct ms_interval *interval, uint64_t duration_ns,
                            uint64_t peak_bytes) {
    const struct memscope_session_totals *now = &interval->now;
    struct memscope_statistics *statistics = &data->statistics;
    statistics->total_allocations = now->allocations - start->allocations;
    statistics->total_bytes = now->bytes - start->bytes;
    statistics->total_frees = now->frees - start->frees;
    statistics->freed_bytes = now->freed_bytes - start->freed_bytes;
    statistics->live_allocations = now->allocations - now->frees;
    statistics->live_bytes = now->bytes - now->freed_bytes;
    statistics->peak_error_bytes = ms_peak_error();
    // What is alive now is a peak's least; while other threads go on it is summed up over some
    // time.
    uint64_t most = peak_bytes + statistics->peak_error_bytes;
    uint64_t live = statistics->live_bytes < most ? statistics->live_bytes : most;
    statistics->peak_memory_bytes = peak_bytes > live ? peak_bytes : live;
    if (statistics->total_allocations > 0)
        statistics->avg_allocation_size =
            (double)statistics->total_bytes / (double)statistics->total_allocations;
    statistics->session_duration_ms = (double)duration_ns / 1e6;
    statistics->earlier_frees = interval->earlier_frees;
    statistics->earlier_frees_error = interval->earlier_frees_error;
    statistics->earlier_freed_bytes = interval->earlier_freed_bytes;
    statistics->earlier_freed_bytes_error = interval->earlier_freed_bytes_error;
}

static double size_of(double value) {
    return value < 0 ? -value : value;
}

// Each thread has one event in MS_TICK timed, or fewer, which stands for all: of an interval too
// short for that to say much it costs what events of the process cost in the mean, or it may be
// twice that, and may be what was timed. A longer one may be off by the events before the first
// tick and behind the last.
static void allow_for_ticks(uint64_t allocations, uint64_t process_allocations,
                            const struct ms_overhead_sum *now, double *overhead_ns,
                            double *error_ns) {
    double tick = ms_governor_has_budget() ? MS_TICK : MS_TICK * MS_TIMED_ONE_IN;
    double unseen = tick * (double)ms_load(&ms_shared.header->threads_highest);
    double each_ns = (double)now->overhead_ns / (double)process_allocations;
    double calls = (double)allocations;
    if (calls >= unseen) {
        *error_ns += unseen * each_ns;
        return;
    }
    double timed_ns = *overhead_ns;
    *overhead_ns = calls * each_ns;
    double off_ns = size_of(timed_ns - *overhead_ns);
    *error_ns += off_ns > *overhead_ns ? off_ns : *overhead_ns;
}

void ms_analysis_overhead(struct memscope_analysis *data, const struct ms_interval *interval,
                          const struct ms_overhead_sum *start) {
    struct memscope_session_metadata *metadata = &data->session_metadata;
    uint64_t allocations = data->statistics.total_allocations;
    struct ms_overhead_sum now;
    ms_overhead_measure(&now);
    double cpu_ns = (double)(now.cpu_ns - start->cpu_ns);
    double most_ns = (double)ms_overhead_most(now.cpu_ns - start->cpu_ns);
    double overhead_ns = (double)now.overhead_ns - (double)start->overhead_ns;
    double error_ns = size_of((double)now.error_ns - (double)start->error_ns);
    metadata->overhead_percent = metadata->overhead_error = __builtin_nan("");
    if (cpu_ns <= 0 || (now.overhead_ns == 0 && allocations > 0))
        return;
    if (allocations > 0)
        allow_for_ticks(allocations, interval->now.allocations, &now, &overhead_ns, &error_ns);
    overhead_ns = overhead_ns < 0 ? 0 : overhead_ns > most_ns ? most_ns : overhead_ns;
    double own_ns = cpu_ns - overhead_ns;
    metadata->overhead_percent = 100 * overhead_ns / own_ns;
    // To the first order: both sides of the fraction change with the cost.
    metadata->overhead_error = 100 * error_ns * cpu_ns / (own_ns * own_ns);
}

memscope_status ms_analysis_fill(struct ms_call *call, struct memscope_analysis *data) {
    const struct memscope_profile_header *header = ms_shared.header;
    struct memscope_session_metadata *metadata = &data->session_metadata;
    if (!ms_environment_detect(&data->environment))
        return ms_call_fail(call, MEMSCOPE_ENVIRONMENT_DETECTION_FAILED,
                            "a module descriptor is damaged, or of another version of MemScope",
                            NULL);
    uint32_t forced = ms_load(&header->forced_strategy), strategy = ms_load(&header->strategy);
    metadata->detected_environment = data->environment.kind;
    metadata->strategy_used = (int)strategy;
    metadata->strategy_forced = forced != 0;
    metadata->strategy_upgraded = forced != 0 && (strategy & ~(forced - 1)) != 0;
    if (!ms_snapshot_copy(&data->raw_data, &data->raw_size))
        return ms_call_fail(call, MEMSCOPE_OUT_OF_MEMORY, "out of memory for a copy of the profile",
                            NULL);
    return MEMSCOPE_OK;
}

memscope_status __memscope_analysis_write(const struct memscope_analysis *data, int fd) {
    struct ms_call call = ms_call_begin();
    if (call.status != MEMSCOPE_OK)
        return ms_call_end(&call);
    if (!data || !data->raw_data) {
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "there is no data to write", NULL);
        return ms_call_end(&call);
    }
    size_t done = 0;
    while (done < data->raw_size && call.status == MEMSCOPE_OK) {
        int64_t written =
            ms_sys_write(fd, (const char *)data->raw_data + done, data->raw_size - done);
        char number[32];
        struct ms_text text = ms_text_in(number, sizeof number);
        ms_text_number(&text, done);
        if (written == -EINTR)
            continue;
        if (written <= 0)
            (void)ms_call_fail(&call, MEMSCOPE_DATA_COLLECTION_FAILED, number,
                               " bytes were written and no more: ",
                               written == -EBADF ? "the descriptor is not open for writing"
                                                 : ms_text_error((int)-written),
                               NULL);
        else
            done += (size_t)written;
    }
    return ms_call_end(&call);
}

void __memscope_analysis_free(struct memscope_analysis *data) {
    if (!data || !data->raw_data)
        return;
    ms_snapshot_free(data->raw_data, data->raw_size);
    data->raw_data = NULL;
    data->raw_size = 0;
}
