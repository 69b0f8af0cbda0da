// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "call.h"

#include "base/text.h"
#include "entry/count.h"
#include "entry/start.h"

#include <errno.h>
#include <stdarg.h>

// ---- the log -----------------------------------------------------------------------------------

static struct {
    memscope_log_callback *callback;
    void *context;
} host_log;

memscope_status __memscope_backend_log(memscope_log_callback *callback, void *context) {
    struct ms_call call = ms_call_begin();
    if (call.status == MEMSCOPE_OK && ms_call_lock(&call)) {
        host_log.callback = callback;
        host_log.context = context;
        ms_backend_unlock();
    }
    return ms_call_end(&call);
}

static void tell(int level, const char *message) {
    memscope_log_callback *callback = NULL;
    void *context = NULL;
    if ((int)ms_config.verbosity < level)
        return;
    if (ms_backend_lock()) {
        callback = host_log.callback;
        context = host_log.context;
        ms_backend_unlock();
    }
    if (callback)
        callback(context, level, message);
    else
        ms_message((enum ms_message_level)level, message, NULL);
}

// ---- messages ----------------------------------------------------------------------------------

// A thread's latest. Threads that use a record one after another do not inherit it.
struct ms_call_message {
    int32_t thread_id;
    char text[512];
};

static struct ms_call_message *message_of_thread(void) {
    struct ms_thread *thread = ms_tls.thread;
    if (!thread)
        return NULL;
    if (!thread->message)
        thread->message = ms_sys_map_anonymous(sizeof *thread->message);
    return thread->message;
}

static const char *status_text(memscope_status status) {
    return memscope_status_text(status);
}

memscope_status ms_call_fail(struct ms_call *call, memscope_status status, ...) {
    struct ms_call_message *message = message_of_thread();
    call->status = status;
    if (!message)
        return status;
    struct ms_text text = ms_text_in(message->text, sizeof message->text);
    va_list parts;
    va_start(parts, status);
    const char *part = va_arg(parts, const char *);
    if (!part)
        ms_text_string(&text, status_text(status));
    for (; part; part = va_arg(parts, const char *))
        ms_text_string(&text, part);
    va_end(parts);
    message->thread_id = ms_sys_thread_id();
    return status;
}

void ms_call_say(struct ms_call *call, int level, const char *part, ...) {
    if (call->said_count == sizeof call->said / sizeof *call->said)
        return;
    char *place = call->said[call->said_count].text;
    struct ms_text text = ms_text_in(place, sizeof call->said->text);
    call->said[call->said_count++].level = level;
    va_list parts;
    va_start(parts, part);
    for (; part; part = va_arg(parts, const char *))
        ms_text_string(&text, part);
    va_end(parts);
}

const char *__memscope_backend_message(void) {
    int saved_errno = errno;
    const struct ms_call_message *message = ms_tls.thread ? ms_tls.thread->message : NULL;
    const char *text = "";
    if (ms_load(&ms_life) != MS_LIFE_ON)
        text = status_text(MEMSCOPE_NOT_LINKED);
    else if (message && message->thread_id == ms_sys_thread_id())
        text = message->text;
    errno = saved_errno;
    return text;
}

// ---- a call ------------------------------------------------------------------------------------

struct ms_call ms_call_begin(void) {
    struct ms_call call;
    call.status = MEMSCOPE_OK;
    call.saved_errno = errno;
    call.saved_floats = ms_sys_floats_quiet(); // a comparison with a NaN could end the program
    call.said_count = 0;
    if (!ms_slow_begin(&ms_tls)) {
        bool is_off = (ms_tls.special & MS_SPECIAL_OFF) || ms_load(&ms_shared.alive) == 0;
        // The words are another call's own, which this one interrupts.
        call.status = is_off ? MEMSCOPE_NOT_LINKED : MEMSCOPE_BUSY;
        return call;
    }
    if (!ms_tls.thread)
        call.status = MEMSCOPE_OUT_OF_MEMORY;
    ms_slow_end(&ms_tls);
    return call;
}

memscope_status ms_call_end(struct ms_call *call) {
    // Whatever it was that a call met while another thread switched the runtime off.
    if (call->status != MEMSCOPE_OK && ms_load(&ms_life) == MS_LIFE_OFF)
        call->status = MEMSCOPE_NOT_LINKED;
    ms_sys_floats_restore(call->saved_floats);
    for (uint32_t i = 0; i < call->said_count; i++)
        tell(call->said[i].level, call->said[i].text);
    errno = call->saved_errno;
    return call->status;
}

// ---- the lock ----------------------------------------------------------------------------------

// The ref_base of the process that holds it, so that one a fork child inherited is known as free.
static uint32_t holder;

bool ms_backend_lock(void) {
    if (!ms_slow_begin(&ms_tls))
        return false;
    uint32_t own = ms_shared.ref_base, seen = ms_load(&holder);
    while (seen == own || !ms_swap_if(&holder, &seen, own)) {
        if (seen == own)
            ms_sys_yield();
        seen = ms_load(&holder);
    }
    return true;
}

bool ms_call_lock(struct ms_call *call) {
    if (ms_backend_lock())
        return true;
    (void)ms_call_fail(call, MEMSCOPE_BUSY, NULL);
    return false;
}

bool ms_backend_lock_again(void) {
    while (!ms_backend_lock()) {
        if (ms_load(&ms_life) != MS_LIFE_ON)
            return false;
        ms_sys_yield();
    }
    return true;
}

void ms_backend_free_lock(void) {
    ms_store(&holder, 0u);
}

void ms_backend_unlock(void) {
    ms_release(&holder, 0u);
    ms_slow_end(&ms_tls);
}
