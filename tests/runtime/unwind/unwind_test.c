// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The unwinder against libunwind, on every shape of stack that we know of.

#include "shapes.h"
#include "stacks.h"

#include "context/unwind.h"

#include <check.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static void expect(struct stack_claims claims) {
    stack_claims = claims;
    memset(&stack_seen, 0, sizeof stack_seen);
}

static void expect_seen(size_t stacks) {
    ck_assert_uint_eq(stack_seen.stacks, stacks);
    ck_assert_uint_ge(stack_seen.most_frames, stack_claims.least_frames);
}

// ---- shapes ------------------------------------------------------------------------------------

START_TEST(frames_of_every_shape_are_libunwinds) {
    static void (*const shapes[])(shape_call) = {
        shape_plain_fp,          shape_plain_no,     shape_many_arguments_fp,
        shape_many_arguments_no, shape_big_frame_fp, shape_big_frame_no,
        shape_aligned_fp,        shape_aligned_no,   shape_aligned_alloca_fp,
        shape_aligned_alloca_no, shape_tail_fp,      shape_tail_no,
        shape_cold_fp,           shape_cold_no,      shape_alloca_fp,
        shape_alloca_no};
    expect((struct stack_claims){.least_frames = 8});
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t before = stack_seen.stacks;
        shapes[i](stack_check);
        ck_assert_uint_gt(stack_seen.stacks, before);
    }
}
END_TEST

START_TEST(deep_recursion_with_and_without_frame_pointers_is_libunwinds) {
    expect((struct stack_claims){.least_frames = 10001});
    shape_deep_fp(10000, stack_check);
    expect_seen(1);
    // The depths 1, 4, 7 … 10000 are compiled with frame pointers, and few frames outside.
    ck_assert_uint_ge(stack_seen.keeping_frame_pointer, 3334);
    ck_assert_uint_le(stack_seen.keeping_frame_pointer, 3334 + 10);
}
END_TEST

START_TEST(callbacks_of_the_c_library_are_libunwinds) {
    expect((struct stack_claims){.least_frames = 10});
    shape_callbacks_fp(stack_check);
    shape_callbacks_no(stack_check);
    ck_assert_uint_ge(stack_seen.stacks, 40);
}
END_TEST

START_TEST(cxx_library_exceptions_and_threads_are_libunwinds) {
    expect((struct stack_claims){.least_frames = 10});
    shape_cxx(stack_check);
    ck_assert_uint_ge(stack_seen.stacks, 20);
}
END_TEST

static void *thread_body(void *argument) {
    shape_plain_no(argument);
    return NULL;
}

START_TEST(thread_ends_in_its_root) {
    pthread_t thread;
    expect((struct stack_claims){.least_frames = 4});
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_body, (void *)stack_check), 0);
    pthread_join(thread, NULL);
    expect_seen(1);
}
END_TEST

START_TEST(loaded_library_is_libunwinds) {
    void *handle = dlopen(UNWIND_MODULE, RTLD_NOW);
    ck_assert_msg(handle != NULL, "%s", dlerror());
    void (*call)(shape_call) = (void (*)(shape_call))dlsym(handle, "module_call");
    expect((struct stack_claims){.least_frames = 8});
    call(stack_check);
    expect_seen(1);
    dlclose(handle);
}
END_TEST

// ---- signals -----------------------------------------------------------------------------------

static sigjmp_buf out_of_handler;
static volatile sig_atomic_t jumps;

static void handle(int signal) {
    (void)signal;
    stack_check();
    if (jumps)
        siglongjmp(out_of_handler, 1);
}

static void set_handler(int signal, int flags) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
    ck_assert_int_eq(sigaction(signal, &action, NULL), 0);
}

static void raise_usr1(void) {
    raise(SIGUSR1);
}

static void fault(void) {
    if (sigsetjmp(out_of_handler, 1) == 0)
        shape_fault();
}

static void take_signals(int flags) {
    jumps = 0;
    set_handler(SIGUSR1, flags);
    shape_plain_no(raise_usr1);
    shape_aligned_no(raise_usr1);
    shape_deep_no(100, raise_usr1);
    jumps = 1;
    set_handler(SIGSEGV, flags);
    shape_plain_no(fault);
    shape_deep_fp(100, fault);
    set_handler(SIGSEGV, SA_RESETHAND | flags);
    expect_seen(5);
}

START_TEST(signal_handlers_on_the_same_stack_are_libunwinds) {
    expect((struct stack_claims){.least_frames = 100, .signals = 1});
    take_signals(0);
    ck_assert_uint_eq(stack_seen.signals, 5);
}
END_TEST

START_TEST(signal_handlers_on_a_stack_of_their_own_are_libunwinds) {
    stack_t stack = {.ss_sp = malloc(1 << 20), .ss_size = 1 << 20};
    ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
    expect((struct stack_claims){.least_frames = 100,
                                 .signals = 1,
                                 .more_stacks = {{(uintptr_t)stack.ss_sp, stack.ss_size}}});
    take_signals(SA_ONSTACK);
    ck_assert_uint_eq(stack_seen.signals, 5);
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
    free(stack.ss_sp);
}
END_TEST

// ---- made contexts -----------------------------------------------------------------------------

static ucontext_t main_context, made_context;

static void made_function(void) {
    shape_aligned_no(stack_check);
    shape_plain_fp(stack_check);
}

// What the runtime's thunk calls, in place of its own functions.
static void *real_return;

void ms_ucontext_returned(void) {
}

void *ms_ucontext_real_return(void) {
    return real_return;
}

static void run_made_context(void (*prepare)(void)) {
    enum { BYTES = 1 << 18 };
    char *stack = malloc(BYTES);
    expect((struct stack_claims){
        .least_frames = 3, .ends_before_libunwind = 1, .more_stacks = {{(uintptr_t)stack, BYTES}}});
    getcontext(&made_context);
    made_context.uc_stack.ss_sp = stack;
    made_context.uc_stack.ss_size = BYTES;
    made_context.uc_link = &main_context;
    makecontext(&made_context, made_function, 0);
    prepare();
    swapcontext(&main_context, &made_context);
    expect_seen(2);
    ck_assert_uint_eq(stack_seen.most_frames, 3);
    free(stack);
}

static void leave_as_made(void) {
}

START_TEST(made_context_ends_in_its_root) {
    run_made_context(leave_as_made);
}
END_TEST

static void put_thunk(void) {
    void **place = ms_context_return_place(&made_context);
    real_return = *place;
    *place = (void *)ms_context_return_thunk;
}

START_TEST(made_context_with_the_runtimes_thunk_ends_in_its_root) {
    run_made_context(put_thunk);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("unwind");
    TCase *tests = tcase_create("stacks");
    tcase_add_test(tests, frames_of_every_shape_are_libunwinds);
    tcase_add_test(tests, deep_recursion_with_and_without_frame_pointers_is_libunwinds);
    tcase_add_test(tests, callbacks_of_the_c_library_are_libunwinds);
    tcase_add_test(tests, cxx_library_exceptions_and_threads_are_libunwinds);
    tcase_add_test(tests, thread_ends_in_its_root);
    tcase_add_test(tests, loaded_library_is_libunwinds);
    tcase_add_test(tests, signal_handlers_on_the_same_stack_are_libunwinds);
    tcase_add_test(tests, signal_handlers_on_a_stack_of_their_own_are_libunwinds);
    tcase_add_test(tests, made_context_ends_in_its_root);
    tcase_add_test(tests, made_context_with_the_runtimes_thunk_ends_in_its_root);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
