// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The unwinder where registers, caches and code are not what they should be.

#include "shapes.h"

#include "context/unwind_fast.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static struct ms_unwind_cache cache;

// ---- garbage -----------------------------------------------------------------------------------

enum { PAGE = 4096, STACK_PAGES = 4, CODE_RANGES = 16 };

static uint64_t seed = 1;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static struct {
    uintptr_t start, bytes;
} code[CODE_RANGES];
static size_t code_count;
static uintptr_t signal_return_pc;

static int add_code(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size, (void)argument;
    for (int i = 0; i < info->dlpi_phnum && code_count < CODE_RANGES; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
            code[code_count].start = info->dlpi_addr + segment->p_vaddr;
            code[code_count++].bytes = segment->p_memsz;
        }
    }
    return 0;
}

static void ignore(int signal) {
    (void)signal;
}

// The pc of signal frames, which libc gives to the kernel with each handler.
static uintptr_t signal_return(void) {
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
    } kernels;
    signal(SIGUSR1, ignore);
    ck_assert_int_eq(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &kernels, sizeof kernels.mask), 0);
    return (uintptr_t)kernels.restorer;
}

static uintptr_t random_pc(void) {
    size_t range = next_random() % code_count;
    switch (next_random() % 16) {
    case 0:
        return next_random();
    case 1:
        return next_random() % 4;
    case 2:
        return signal_return_pc;
    case 3: // around the ends of code
        return code[range].start + (next_random() & 1 ? code[range].bytes : 0) - 2 +
               next_random() % 4;
    default:
        return code[range].start + next_random() % code[range].bytes;
    }
}

static uintptr_t random_register(struct ms_stack_bounds bounds) {
    switch (next_random() % 8) {
    case 0:
        return next_random();
    case 1:
        return next_random() % 32 - 16;
    case 2:
        return bounds.low + bounds.bytes - next_random() % 300;
    default:
        return bounds.low + next_random() % (bounds.bytes + 1);
    }
}

// A stack that ends at a page without access on either side.
static struct ms_stack_bounds garbage_stack(void) {
    char *pages =
        mmap(NULL, (STACK_PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(pages != MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + PAGE, STACK_PAGES * PAGE, PROT_READ | PROT_WRITE), 0);
    return (struct ms_stack_bounds){.low = (uintptr_t)pages + PAGE, .bytes = STACK_PAGES * PAGE};
}

START_TEST(garbage_ends_within_the_stack) {
    struct ms_stack_bounds bounds = garbage_stack();
    uintptr_t *words = (uintptr_t *)bounds.low;
    uint64_t callers = 0, signals = 0;
    dl_iterate_phdr(add_code, NULL);
    ck_assert_uint_ge(code_count, 3);
    signal_return_pc = signal_return();
    for (int round = 0; round < ROUNDS; round++) {
        if (round % 64 == 0)
            for (size_t i = 0; i < bounds.bytes / sizeof *words; i++)
                words[i] = next_random() & 1 ? random_pc() : random_register(bounds);
        struct ms_unwind_state state = {.pc = random_pc(),
                                        .sp = random_register(bounds),
                                        .fp = random_register(bounds),
                                        .is_interrupted = next_random() % 4 == 0};
        struct ms_stack_bounds some = bounds;
        if (next_random() % 4 == 0)
            some.bytes = next_random() % 40;
        enum ms_unwind_result result;
        unsigned steps = 0;
        do {
            bool keeps;
            uintptr_t sp = state.sp;
            struct ms_unwind_cache *used = next_random() & 1 ? &cache : NULL;
            errno = 4711;
            result = ms_unwind_step(used, &state, some, &keeps);
            ck_assert_int_eq(errno, 4711);
            ck_assert(result != MS_UNWIND_CALLER || state.sp > sp);
            callers += result == MS_UNWIND_CALLER;
            signals += result == MS_UNWIND_SIGNAL;
        } while ((result == MS_UNWIND_CALLER || result == MS_UNWIND_SIGNAL) && ++steps < 100);
        ms_unwind_function_start(state.pc);
    }
    ck_assert_uint_gt(callers, ROUNDS / 10);
    ck_assert_uint_gt(signals, ROUNDS / 100);
    munmap((void *)(bounds.low - PAGE), bounds.bytes + 2 * PAGE);
}
END_TEST

// ---- the cache ---------------------------------------------------------------------------------

static struct ms_unwind_state here;

static __attribute__((noinline)) void note_state(void) {
    __asm__ volatile("lea 0(%%rip), %0\n mov %%rsp, %1\n mov %%rbp, %2"
                     : "=r"(here.pc), "=r"(here.sp), "=r"(here.fp));
    here.is_interrupted = true;
    struct ms_stack_bounds bounds = {here.sp, PAGE};
    bool keeps;
    ck_assert_int_eq(ms_unwind_step(NULL, &here, bounds, &keeps), MS_UNWIND_CALLER);
}

static size_t known_rules(uintptr_t start, uintptr_t end) {
    size_t count = 0;
    for (int i = 0; i < MS_UNWIND_RULES; i++) {
        const struct ms_unwind_rule *slot = &cache.rules[i];
        uintptr_t pc = slot->pc_xor_rule ^ slot->rule;
        count += slot->pc_xor_rule != 0 && pc > start && pc <= end;
    }
    return count;
}

START_TEST(rules_of_unloaded_code_are_forgotten_and_no_others) {
    void *handle = dlopen(UNWIND_MODULE, RTLD_NOW);
    ck_assert_msg(handle != NULL, "%s", dlerror());
    struct dl_find_object module;
    void (*call)(shape_call) = (void (*)(shape_call))dlsym(handle, "module_call");
    ck_assert_int_eq(_dl_find_object((void *)call, &module), 0);
    uintptr_t start = (uintptr_t)module.dlfo_map_start, end = (uintptr_t)module.dlfo_map_end;
    call(note_state);
    struct ms_unwind_state state = here, again = here;
    struct ms_stack_bounds bounds = {state.sp, PAGE};
    bool keeps;
    memset(&cache, 0, sizeof cache);
    ck_assert_uint_eq(ms_unwind_function_start(state.pc), (uintptr_t)call);
    ck_assert_int_eq(ms_unwind_step(&cache, &state, bounds, &keeps), MS_UNWIND_CALLER);
    ms_unwind_step(&cache, &state, bounds, &keeps); // by the rule of the test's own code
    ck_assert_uint_eq(known_rules(start, end), 1);
    ck_assert_uint_eq(known_rules(0, UINTPTR_MAX), 2);
    dlclose(handle);
    ck_assert_int_eq(ms_unwind_step(&cache, &again, bounds, &keeps), MS_UNWIND_CALLER);
    ms_unwind_forget(&cache, start, end);
    ck_assert_uint_eq(known_rules(start, end), 0);
    ck_assert_uint_eq(known_rules(0, UINTPTR_MAX), 1);
    again = here;
    ck_assert_int_eq(ms_unwind_step(&cache, &again, bounds, &keeps), MS_UNWIND_LOST);
    ck_assert_uint_eq(ms_unwind_function_start(here.pc), 0);
}
END_TEST

// ---- signals between two loads -----------------------------------------------------------------

// Steps whose pcs have one slot in common, and what they lead to.
enum { RIVALS = 16, TIMER_TICKS = 5000 };
static struct {
    struct ms_unwind_state before, after;
    enum ms_unwind_result result;
    bool keeps;
} rivals[RIVALS];
static struct ms_stack_bounds rival_bounds;
static volatile sig_atomic_t timer_ticks;

static void step_as_expected(int i) {
    struct ms_unwind_state state = rivals[i].before;
    bool keeps;
    enum ms_unwind_result result = ms_unwind_step_fast(&cache, &state, rival_bounds, &keeps);
    if (result != rivals[i].result || keeps != rivals[i].keeps || state.pc != rivals[i].after.pc ||
        state.sp != rivals[i].after.sp || state.fp != rivals[i].after.fp)
        abort();
}

static void on_timer(int signal) {
    (void)signal;
    step_as_expected(timer_ticks++ % RIVALS);
}

static void find_rivals(void) {
    const struct ms_unwind_rule *slot = NULL;
    for (int count = 0; count < RIVALS;) {
        struct ms_unwind_state state = {
            .pc = random_pc(), .sp = rival_bounds.low + 1024, .fp = rival_bounds.low + 2048};
        rivals[count].before = state;
        rivals[count].result = ms_unwind_step(NULL, &state, rival_bounds, &rivals[count].keeps);
        rivals[count].after = state;
        if (rivals[count].result != MS_UNWIND_CALLER ||
            (slot && ms_unwind_slot(&cache, rivals[count].before.pc) != slot))
            continue;
        slot = ms_unwind_slot(&cache, rivals[count++].before.pc);
    }
}

START_TEST(steps_of_signal_handlers_between_do_no_harm) {
    memset(&cache, 0, sizeof cache);
    code_count = 0;
    dl_iterate_phdr(add_code, NULL);
    rival_bounds = garbage_stack();
    for (size_t at = 0; at < rival_bounds.bytes; at += sizeof at)
        *(uintptr_t *)(rival_bounds.low + at) = at + 1;
    find_rivals();
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    signal(SIGALRM, on_timer);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; timer_ticks < TIMER_TICKS; i++)
        step_as_expected(i / 3 % RIVALS);
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
    munmap((void *)(rival_bounds.low - PAGE), rival_bounds.bytes + 2 * PAGE);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("unwind");
    TCase *tests = tcase_create("hostile");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, garbage_ends_within_the_stack);
    tcase_add_test(tests, rules_of_unloaded_code_are_forgotten_and_no_others);
    tcase_add_test(tests, steps_of_signal_handlers_between_do_no_harm);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
