// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sites that wait for what their call allocates, or starts, somewhere inside: entered, left, left
// by longjmp. Slow paths; they keep errno.

#include "count.h"

#include "collect/thread.h"

#include <errno.h>

// Was the call that pending_site stands for left by longjmp? What allocates inside it has a stack
// below that of the function that made the call. (What is deeper for other reasons is not told from
// it: ms_landed is exact, but needs a setjmp in instrumented code.)
void ms_pending_drop_stale(struct ms_tls *tls, uintptr_t caller_stack) {
    if ((tls->special & MS_SPECIAL_PENDING) && tls->thread &&
        caller_stack >= tls->thread->pending_stack && !ms_sys_on_signal_stack())
        tls->special &= ~(MS_SPECIAL_PENDING | MS_SPECIAL_ONCE);
}

struct ms_origin ms_pending_take(struct ms_tls *tls, struct ms_origin origin) {
    if (!(tls->special & MS_SPECIAL_PENDING))
        return origin;
    uint32_t ref = tls->thread->pending_site;
    if (tls->special & MS_SPECIAL_ONCE)
        tls->special &= ~(MS_SPECIAL_PENDING | MS_SPECIAL_ONCE);
    if (!ms_ref_is_ours(ref))
        return origin; // entered before a fork
    return (struct ms_origin){.key = ref, .site = NULL, .frame = origin.frame};
}

static uint32_t enter_region(struct ms_origin origin) {
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    uint32_t token = 0;
    if (ms_slow_begin(tls)) {
        if (tls->thread)
            token = tls->thread->region_site = ms_origin_site_ref(&origin);
        ms_slow_end(tls);
    }
    errno = saved_errno;
    return token;
}

uint32_t ms_pending_enter(struct ms_origin origin, bool once, uintptr_t caller_stack) {
    if (origin.site->kind == MEMSCOPE_KIND_PARALLEL_REGION)
        return enter_region(origin);
    struct ms_tls *tls = &ms_tls;
    int saved_errno = errno;
    uint32_t token = 0;
    ms_pending_drop_stale(tls, caller_stack);
    if (!(tls->special & MS_SPECIAL_PENDING) && ms_slow_begin(tls)) {
        if (tls->thread && (token = ms_origin_site_ref(&origin)) != 0) {
            tls->thread->pending_site = token;
            tls->thread->pending_stack = once ? UINTPTR_MAX : caller_stack;
            tls->special |= MS_SPECIAL_PENDING | (once ? MS_SPECIAL_ONCE : 0);
        }
        ms_slow_end(tls);
    }
    errno = saved_errno;
    return token;
}

void ms_pending_leave(uint32_t token) {
    struct ms_thread *thread = ms_tls.thread;
    if (token == 0 || !thread)
        return;
    if (thread->region_site == token)
        thread->region_site = 0;
    else if ((ms_tls.special & MS_SPECIAL_PENDING) && thread->pending_site == token)
        ms_tls.special &= ~(MS_SPECIAL_PENDING | MS_SPECIAL_ONCE);
}

void ms_landed(uintptr_t caller_stack) {
    struct ms_tls *tls = &ms_tls;
    uint64_t guard = tls->special & MS_SPECIAL_GUARD;
    ms_pending_drop_stale(tls, caller_stack);
    if (guard != 0 && guard < caller_stack && !ms_sys_on_signal_stack())
        tls->special &= ~MS_SPECIAL_GUARD;
}

uint32_t ms_pending_site(void) {
    if (!(ms_tls.special & MS_SPECIAL_PENDING))
        return ms_tls.thread ? ms_tls.thread->region_site : 0;
    struct ms_origin charged = ms_pending_take(&ms_tls, (struct ms_origin){0});
    return (uint32_t)charged.key;
}
