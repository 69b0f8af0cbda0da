// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "process.h"

#include "count.h"
#include "interpose.h"
#include "parting.h"
#include "real.h"
#include "start.h"

#include "base/config.h"
#include "base/text.h"
#include "collect/fiber.h"
#include "collect/overhead.h"
#include "store/arena.h"
#include "store/modules.h"
#include "store/records.h"

#include <memscope/memscope.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

// ---- what it is --------------------------------------------------------------------------------

static bool is_plain(const char *argument) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@%+=:,./-";
    return argument[0] != '\0' && argument[strspn(argument, plain)] == '\0';
}

static void put_quoted(struct ms_text *text, const char *argument) {
    if (is_plain(argument)) {
        ms_text_string(text, argument);
        return;
    }
    ms_text_string(text, "'");
    for (; *argument; argument++) {
        if (*argument == '\'')
            ms_text_string(text, "'\\''");
        else
            ms_text_bytes(text, argument, 1);
    }
    ms_text_string(text, "'");
}

static uint32_t record_command(void) {
    char arguments[4096], quoted[8192];
    int fd = ms_sys_open_read("/proc/self/cmdline");
    if (fd < 0)
        return ms_record_string(ms_module_executable());
    int64_t length = ms_sys_read(fd, arguments, sizeof arguments - 1);
    ms_sys_close(fd);
    if (length < 0)
        length = 0;
    arguments[length] = '\0';
    struct ms_text text = ms_text_in(quoted, sizeof quoted);
    for (const char *at = arguments; at < arguments + length; at += strlen(at) + 1) {
        if (at != arguments)
            ms_text_string(&text, " ");
        put_quoted(&text, at);
    }
    return ms_record_string(quoted);
}

static uint32_t record_main_module(void) {
    uint64_t bias;
    unsigned long entry = getauxval(AT_ENTRY);
    return entry ? ms_record_module((const void *)entry, &bias) : 0;
}

void ms_process_describe(struct memscope_profile_header *header) {
    header->pid = (uint64_t)ms_sys_process_id();
    header->parent_pid = (uint64_t)ms_sys_parent_id();
    header->uid = ms_sys_user_id();
    header->start_realtime_ns = ms_sys_clock_realtime_ns();
    header->start_monotonic_ns = ms_sys_clock_monotonic_ns();
    header->executable_ref = ms_record_string(ms_module_executable());
    header->command_ref = record_command();
    header->main_module_ref = record_main_module();
    memcpy(header->runtime_version, MEMSCOPE_VERSION_STRING, sizeof MEMSCOPE_VERSION_STRING);
}

// ---- how it ends -------------------------------------------------------------------------------

// Where nobody tells of their switches, nobody may have told of their end.
static void end_fibers(void) {
    struct ms_tls *tls = &ms_tls;
    if (ms_slow_begin(tls)) {
        ms_fibers_end_gone();
        ms_slow_end(tls);
    }
}

// Writes the end into the profile of this process; a fork child that has none yet needs none, and a
// vfork child has its parent's memory but not its end.
static void note_end(uint32_t state, int code) {
    if (ms_parting_hurries())
        (void)ms_alive();
    struct memscope_profile_header *header = ms_shared.header;
    if (ms_load(&ms_shared.alive) == 0 || header->pid != (uint64_t)ms_sys_process_id())
        return;
    if (state == MEMSCOPE_PROCESS_EXITED)
        header->exit_code = code & 0xFF;
    else
        header->exit_signal = code;
    if (state == MEMSCOPE_PROCESS_EXITED && ms_load(&header->losses[MEMSCOPE_LOSS_untold_switches]))
        end_fibers();
    struct ms_overhead_sum overhead;
    ms_overhead_measure(&overhead);
    header->end_monotonic_ns = ms_sys_clock_monotonic_ns();
    ms_release(&header->state, state);
    if (ms_load(&header->flags) & MEMSCOPE_PROFILE_MEMORY_ONLY)
        ms_arena_write_out();
}

static void at_exit(int code, void *nothing) {
    (void)nothing;
    note_end(MEMSCOPE_PROCESS_EXITED, code);
}

void ms_process_watch_end(void) {
    uint64_t off = ms_tls.special & MS_SPECIAL_OFF;
    ms_tls.special |= MS_SPECIAL_OFF;
    (void)on_exit(at_exit, NULL);
    ms_watch_forks();
    ms_thread_watch_end();
    ms_tls.special = (ms_tls.special & ~MS_SPECIAL_OFF) | off;
}

// libc's own ends (exit's last step, a fatal signal) do not come by here; on_exit and
// `memscope run` tell of those.
static _Noreturn void leave(const char *name, const void *own, int code) {
    void (*real)(int) = (void (*)(int))ms_real_symbol(name, own);
    note_end(MEMSCOPE_PROCESS_EXITED, code);
    if (real)
        real(code);
    ms_sys_exit(code);
}

MS_INTERPOSE(_Noreturn void, _exit, (int code)) {
    leave("_exit", (const void *)ms_own__exit, code);
}

MS_INTERPOSE(_Noreturn void, _Exit, (int code)) {
    leave("_Exit", (const void *)ms_own__Exit, code);
}

// libc's own name, for static programs (the wrappers link it in: -u).
extern _Noreturn void __new_quick_exit(int) __attribute__((weak));

// The handlers of at_quick_exit still run and still count.
MS_INTERPOSE(_Noreturn void, quick_exit, (int code)) {
    if (ms_real.is_static && __new_quick_exit) {
        note_end(MEMSCOPE_PROCESS_EXITED, code);
        __new_quick_exit(code);
    }
    leave("quick_exit", (const void *)ms_own_quick_exit, code);
}

MS_INTERPOSE(_Noreturn void, abort, (void)) {
    void (*real)(void) = (void (*)(void))ms_real_symbol("abort", (const void *)ms_own_abort);
    note_end(MEMSCOPE_PROCESS_SIGNALED, SIGABRT);
    if (real)
        real();
    (void)raise(SIGABRT);
    ms_sys_exit(128 + SIGABRT);
}
