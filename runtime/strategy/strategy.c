// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "strategy.h"

#include "base/config.h"
#include "collect/task.h"

void ms_strategy_attach(void) {
    if (ms_single_threaded() && ms_load(&ms_shared.unconverted) != NULL)
        ms_strategy_upgrade(MEMSCOPE_UPGRADE_UNKNOWN_THREAD, 0);
    if (ms_single_threaded())
        ms_global_direct_attach();
    else
        ms_thread_local_attach();
}

void ms_strategy_publish(void) {
    if (ms_single_threaded())
        ms_global_direct_publish();
    else
        ms_thread_local_publish();
}

uint64_t ms_strategy_begin_peak(void) {
    return ms_single_threaded() ? ms_global_direct_begin_peak() : ms_thread_local_begin_peak();
}

static const char *reason_text(enum memscope_upgrade reason) {
    switch (reason) {
    case MEMSCOPE_UPGRADE_THREAD_STARTED:
        return "a thread is started";
    case MEMSCOPE_UPGRADE_UNKNOWN_THREAD:
        return "an unknown thread runs";
    case MEMSCOPE_UPGRADE_FORCED:
        return "it was asked for";
    default:
        return "a task is started";
    }
}

void ms_strategy_upgrade(enum memscope_upgrade reason, uint32_t site_ref) {
    struct memscope_profile_header *header = ms_shared.header;
    uint32_t bit = reason == MEMSCOPE_UPGRADE_TASK_STARTED ? MEMSCOPE_STRATEGY_TASKS
                                                           : MEMSCOPE_STRATEGY_THREADS;
    if (ms_load(&ms_shared.strategy) & bit)
        return;
    uint32_t none = MEMSCOPE_UPGRADE_NONE;
    if (ms_swap_if(&header->upgrade, &none, (uint32_t)reason)) {
        header->upgrade_site_ref = site_ref;
        header->upgrade_ns = ms_sys_clock_monotonic_ns();
    }
    if (bit == MEMSCOPE_STRATEGY_THREADS) {
        ms_store(&ms_shared.upgrade_peak_bytes, ms_load(&header->peak_live_bytes));
        ms_store(&ms_shared.upgrade_latest_peak_bytes,
                 ms_load(&header->latest_peak) & MEMSCOPE_LATEST_PEAK_BYTES);
    }
    __atomic_fetch_or(&header->strategy, bit, __ATOMIC_RELEASE);
    if (__atomic_fetch_or(&ms_shared.strategy, bit, __ATOMIC_RELEASE) & bit)
        return; // another thread was faster
    ms_leave_direct();
    ms_message(MS_MESSAGE_DETAIL, "strategy: ",
               bit == MEMSCOPE_STRATEGY_THREADS ? "buffers of threads, " : "buffers of tasks, ",
               reason_text(reason), NULL);
    uint32_t forced = header->forced_strategy; // number + 1
    if (reason != MEMSCOPE_UPGRADE_FORCED && forced != 0 && !((forced - 1) & bit))
        ms_message(MS_MESSAGE_WARNING, "the strategy that was forced cannot be exact, since ",
                   reason_text(reason), ": it is upgraded", NULL);
    if (bit == MEMSCOPE_STRATEGY_THREADS && ms_load(&ms_shared.unconverted) == &ms_tls &&
        !(ms_tls.special & MS_SPECIAL_GUARD))
        ms_thread_local_convert();
}

bool ms_strategy_force(uint32_t strategy) {
    struct memscope_profile_header *header = ms_shared.header;
    uint32_t none = MEMSCOPE_UPGRADE_NONE;
    if (strategy == MEMSCOPE_STRATEGY_GLOBAL_DIRECT)
        return true;
    if (ms_swap_if(&header->upgrade, &none, (uint32_t)MEMSCOPE_UPGRADE_FORCED))
        header->upgrade_ns = ms_sys_clock_monotonic_ns();
    if ((strategy & MEMSCOPE_STRATEGY_TASKS) && !ms_tasks_of_thread())
        return false;
    if (strategy & MEMSCOPE_STRATEGY_THREADS) {
        ms_strategy_upgrade(MEMSCOPE_UPGRADE_FORCED, 0);
        if (ms_load(&ms_shared.unconverted) == &ms_tls)
            ms_thread_local_convert();
    }
    return true;
}
