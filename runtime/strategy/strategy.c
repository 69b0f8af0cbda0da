// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "strategy.h"

#include "base/config.h"

void ms_strategy_attach(void) {
    if (ms_load(&ms_shared.strategy) == MEMSCOPE_STRATEGY_GLOBAL_DIRECT &&
        ms_load(&ms_shared.unconverted) != NULL)
        ms_strategy_upgrade(MEMSCOPE_UPGRADE_UNKNOWN_THREAD, 0);
    if (ms_load(&ms_shared.strategy) == MEMSCOPE_STRATEGY_GLOBAL_DIRECT)
        ms_global_direct_attach();
    else
        ms_thread_local_attach();
}

void ms_strategy_publish(void) {
    if (!ms_strategy_is_global_direct())
        ms_thread_local_publish();
}

void ms_strategy_upgrade(enum memscope_upgrade reason, uint32_t site_ref) {
    struct memscope_profile_header *header = ms_shared.header;
    uint32_t none = MEMSCOPE_UPGRADE_NONE;
    if (!ms_swap_if(&header->upgrade, &none, (uint32_t)reason))
        return;
    header->upgrade_site_ref = site_ref;
    header->upgrade_ns = ms_sys_clock_monotonic_ns();
    ms_shared.upgrade_peak_bytes = ms_load(&header->peak_live_bytes);
    ms_release(&header->strategy, (uint32_t)MEMSCOPE_STRATEGY_THREAD_LOCAL);
    ms_release(&ms_shared.strategy, (uint32_t)MEMSCOPE_STRATEGY_THREAD_LOCAL);
    ms_leave_direct();
    ms_message(MS_MESSAGE_DETAIL, "strategy: GlobalDirect to ThreadLocal, ",
               reason == MEMSCOPE_UPGRADE_THREAD_STARTED ? "a thread is started"
                                                         : "an unknown thread runs",
               NULL);
    if (ms_load(&ms_shared.unconverted) == &ms_tls && !(ms_tls.special & MS_SPECIAL_GUARD))
        ms_thread_local_convert();
}
