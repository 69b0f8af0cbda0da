// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Start, fork child, switching off. The runtime starts at the program's first event, often a call
// from the dynamic linker, or in our constructor; whatever goes wrong, the program runs on.

#include "start.h"

#include "cxx.h"
#include "interpose.h"
#include "parting.h"
#include "process.h"
#include "real.h"

#include "backend/backend.h"
#include "base/config.h"
#include "base/text.h"
#include "collect/cell.h"
#include "collect/kept_blocks.h"
#include "collect/level.h"
#include "collect/thread.h"
#include "context/context.h"
#include "store/arena.h"
#include "store/intern.h"
#include "store/output.h"
#include "store/records.h"
#include "strategy/strategy.h"

#include <errno.h>

unsigned ms_life;
unsigned ms_damaged_modules;

// The first ref of a first profile: not 0, which names nothing.
enum { FIRST_REF = MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES };

void ms_switch_off(void) {
    ms_store(&ms_life, (unsigned)MS_LIFE_OFF);
    ms_store(&ms_shared.alive, 0u);
    ms_store(&ms_shared.ref_count, 0u);
    ms_store(&ms_shared.bias, (uint64_t)0);
    ms_store(&ms_shared.brief_bias, 0u);
    ms_leave_direct();
}

static void fill_header(uint32_t flags) {
    struct memscope_profile_header *header = ms_shared.header;
    header->version = MEMSCOPE_PROFILE_VERSION;
    header->header_bytes = MEMSCOPE_HEADER_BYTES;
    header->unit_bytes = MEMSCOPE_UNIT_BYTES;
    header->flags |= flags | (ms_real.is_static ? MEMSCOPE_PROFILE_STATIC : 0) |
                     (ms_config.strict ? MEMSCOPE_PROFILE_STRICT : 0);
    header->peak_epoch = 1;
    header->credit_bytes = 2 * MS_CREDIT;
    ms_sys_random(header->instance, sizeof header->instance);
    ms_process_describe(header);
    header->options_ref = ms_record_string(ms_config.given);
    header->allocator_ref = ms_record_string(ms_real.module);
    header->losses[MEMSCOPE_LOSS_hidden_allocator] = ms_real.hidden;
    header->reentrant_site_ref = ms_record_foreign_site(MEMSCOPE_SITE_REENTRANT, NULL);
    header->unsampled_site_ref = ms_record_foreign_site(MEMSCOPE_SITE_UNSAMPLED, NULL);
    (void)ms_cell_new(ms_record_foreign_site(MEMSCOPE_SITE_OVERFLOW, NULL), 0, MEMSCOPE_CELL_ATOMIC,
                      true, &header->overflow_ref);
    uint64_t magic; // last and as one word: a file without it is no profile yet
    __builtin_memcpy(&magic, MEMSCOPE_PROFILE_MAGIC, sizeof magic);
    ms_release((uint64_t *)(void *)header->magic, magic); // NOLINT(bugprone-casting-through-void)
}

// Opens a profile and begins to count into it; false = there is none, and a message said why.
static bool begin_profile(uint32_t flags, uint32_t ref_base) {
    char path[4096];
    int fd = ms_output_create(path, sizeof path);
    if (fd < 0)
        return false;
    int error = ms_arena_open(fd, path, ref_base);
    if (error != 0) {
        ms_give_up(path, ": no profile, the program runs on without: ",
                   error == EOVERFLOW ? "too many forks after one another" : ms_text_error(error),
                   NULL);
        return false;
    }
    ms_contexts_restart();
    fill_header(flags);
    ms_kept_begin_profile();
    ms_shared.strategy = MEMSCOPE_STRATEGY_GLOBAL_DIRECT;
    ms_shared.fast_epoch = ms_shared.header->peak_epoch;
    ms_tasks_not_started = ms_config.verify ? 1ull << 62 : 0; // out of reach of any number of tasks
    ms_overhead_begin_profile();
    ms_level_begin_profile();
    ms_tasks_verified = ms_config.verify ? MS_MARK_VERIFIED : 0;
    ms_shared.direct_bias = ms_shared.brief_bias;
    ms_release(&ms_shared.alive, 1u);
    ms_message(MS_MESSAGE_INFO, "profile: ", path, NULL);
    return true;
}

// The least profile, and the shadow of a program break and of one other stretch of 64 MiB.
#define MS_LEAST_ROOM (50ull << 20)

static bool start_counting(void) {
    if (!ms_sys_privileged())
        ms_config_read(ms_environment("MEMSCOPE_OPTIONS"));
    if (ms_config.help)
        ms_config_print_help();
    if (!ms_sys_wipe_on_fork(&ms_shared_page, sizeof ms_shared_page)) {
        ms_give_up("this kernel cannot tell a fork child (MADV_WIPEONFORK, Linux 4.14): "
                   "profiling is off",
                   NULL);
        return false;
    }
    if (ms_real.in_front) {
        ms_give_up(ms_real.in_front,
                   " stands before the runtime and has a malloc of its own: the program runs on "
                   "without a profile; name the runtime first in LD_PRELOAD, as memscope run does",
                   NULL);
        return false;
    }
    if (!ms_sys_has_room(MS_LEAST_ROOM)) {
        ms_give_up("the address space limit (ulimit -v) leaves too little room beside the program: "
                   "it runs on without a profile",
                   NULL);
        return false;
    }
    if (!begin_profile(0, FIRST_REF))
        return false;
    if (ms_kept_flag())
        ms_real_watch_realloc();
    uint64_t special = ms_tls.special;
    ms_tls.special = MS_SPECIAL_NEW | ms_stack_pointer();
    ms_thread_attach(NULL, NULL);
    ms_backend_begin_profile();
    ms_tls.special = (ms_tls.special & ~MS_SPECIAL_GUARD) | (special & MS_SPECIAL_PENDING);
    return true;
}

void ms_start(void) {
    unsigned life = MS_LIFE_NEW;
    if (!ms_swap_if(&ms_life, &life, (unsigned)MS_LIFE_STARTING))
        return;
    int saved_errno = errno;
    ms_tls.special |= MS_SPECIAL_OFF; // what we cause ourselves is not the program's
    bool passive = !ms_is_the_runtime();
    ms_real_resolve(passive);
    if (!passive)
        ms_cxx_resolve();
    ms_tls.special &= ~MS_SPECIAL_OFF;
    bool counting = !passive && start_counting();
    ms_store(&ms_life, (unsigned)(counting ? MS_LIFE_ON : MS_LIFE_OFF));
    if (counting)
        ms_process_watch_end();
    errno = saved_errno;
}

__attribute__((constructor(101))) static void start_at_load(void) {
    ms_start();
}

// The shared page is zero in a fork child; the rest of memory is the parent's.
static void begin_child(void) {
    uint32_t ref_base = ms_arena_next_base();
    ms_arena_forget();
    ms_intern_clear();
    if (!begin_profile(MEMSCOPE_PROFILE_FORKED, ref_base)) {
        ms_switch_off();
        return;
    }
    ms_tls.special &= ~(MS_SPECIAL_PENDING | MS_SPECIAL_ONCE);
    ms_threads_restart();
    ms_backend_begin_profile();
    ms_parting_make_up();
}

// A signal handler that allocates meanwhile would begin another one.
static void begin_child_undisturbed(void) {
    uint64_t before;
    ms_sys_block_signals(&before);
    if (ms_acquire(&ms_shared.alive) == 0)
        begin_child();
    ms_sys_restore_signals(before);
}

bool ms_alive(void) {
    switch (ms_load(&ms_life)) {
    case MS_LIFE_NEW:
        ms_start();
        return ms_load(&ms_shared.alive) != 0;
    case MS_LIFE_PARTING:
        if (ms_parting_goes_on())
            return true;
        __attribute__((fallthrough));
    case MS_LIFE_ON:
        if (ms_acquire(&ms_shared.alive) == 0)
            begin_child_undisturbed();
        return ms_load(&ms_shared.alive) != 0;
    default:
        return false;
    }
}
