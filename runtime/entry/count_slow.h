// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the slow paths of all events share. Part of count.c.

#ifndef MS_COUNT_SLOW_H
#define MS_COUNT_SLOW_H

#include "count_guard.h"

#include "collect/level.h"
#include "collect/thread.h"
#include "start.h"

// Was the hook that holds the guard left by longjmp? Then its stack frame was below ours.
static bool guard_is_stale(uint64_t guard) {
    return guard < ms_stack_pointer() && !ms_sys_on_signal_stack();
}

static bool guarded(const struct ms_tls *tls) {
    uint64_t guard = tls->special & MS_SPECIAL_GUARD;
    return guard != 0 && !guard_is_stale(guard);
}

static inline void slow_guard_take(struct ms_tls *tls) {
    tls->special = (tls->special & ~MS_SPECIAL_GUARD) | ms_stack_pointer() | MS_SPECIAL_SLOW;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// With the guard taken: a thread that still counts as under GlobalDirect goes over first, a child
// that a handler forked right before it begins its profile.
static void catch_up(struct ms_tls *tls) {
    if (MS_UNLIKELY(ms_load(&ms_shared.alive) == 0))
        (void)ms_alive();
    if (tls->special & MS_SPECIAL_NEW)
        ms_thread_attach(NULL, NULL);
    if (!ms_single_threaded() && ms_strategy_is_outdated(tls))
        ms_thread_local_convert();
    if (!(tls->special & MS_SPECIAL_NEW))
        ms_level_take_notice(tls);
}

static void slow_guard_release(struct ms_tls *tls) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    tls->special &= ~MS_SPECIAL_GUARD;
    if (tls->special & MS_SPECIAL_EXITING)
        ms_strategy_publish();
}

// Bytes that go to the process's total past the thread's credit.
static void publish_directly(int64_t bytes) {
    if (!ms_single_threaded())
        ms_add(&ms_shared.header->published_live_bytes, bytes);
}

#endif
