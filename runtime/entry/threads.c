// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Thread starts, ends and names. A started thread begins in a function of ours that gives it the
// buffer its starter prepared, so that its first event finds one.

#include "count.h"
#include "interpose.h"
#include "process.h"
#include "real.h"
#include "start.h"

#include "collect/thread.h"
#include "context/context.h"
#include "store/records.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <threads.h>

enum { DESTRUCTOR_ROUNDS = 4 }; // _POSIX_THREAD_DESTRUCTOR_ITERATIONS, which is glibc's too

// In a static program, where ours hide libc's (the wrappers link these in: -u).
extern int __pthread_create_2_1(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
    __attribute__((weak));
extern int __thrd_create(thrd_t *, thrd_start_t, void *) __attribute__((weak));
extern int __pthread_setname_np(pthread_t, const char *) __attribute__((weak));

static pthread_key_t end_key;
static bool have_end_key;

// Runs among the TLS destructors; asking for another round makes it one of the last.
static void at_thread_end(void *rounds) {
    uintptr_t left = (uintptr_t)rounds;
    if (left > 1)
        (void)pthread_setspecific(end_key, (void *)(left - 1));
    else
        ms_thread_detach();
}

void ms_thread_watch_end(void) {
    if (!have_end_key)
        have_end_key = pthread_key_create(&end_key, at_thread_end) == 0;
    if (have_end_key)
        (void)pthread_setspecific(end_key, (void *)(uintptr_t)(DESTRUCTOR_ROUNDS - 1));
}

// `frame` is the one that everything the thread runs stands above.
static void begin_thread(struct ms_thread *thread, const void *frame) {
    if (!thread)
        return;
    uint64_t special = ms_tls.special;
    ms_tls.special = special | ms_stack_pointer();
    uintptr_t high = (uintptr_t)frame;
    struct ms_stack stack = {high > thread->stack_bytes ? high - thread->stack_bytes : 0, high};
    ms_thread_attach(thread, &stack);
    uint64_t attached = ms_tls.special & ~MS_SPECIAL_GUARD;
    ms_tls.special = attached | MS_SPECIAL_OFF;
    ms_thread_watch_end();
    ms_tls.special = attached;
}

static void *run_thread(void *argument) {
    struct ms_thread *thread = argument;
    void *(*start)(void *) = thread->start;
    void *own_argument = thread->argument;
    begin_thread(thread, __builtin_frame_address(0));
    void *result = start(own_argument);
    ms_keep_frame(); // it ends every stack of the thread
    return result;
}

static int run_c11_thread(void *argument) {
    struct ms_thread *thread = argument;
    int (*start)(void *) = thread->start_c11;
    void *own_argument = thread->argument;
    begin_thread(thread, __builtin_frame_address(0));
    int result = start(own_argument);
    ms_keep_frame(); // it ends every stack of the thread
    return result;
}

const void *const ms_thread_entries[2] = {(const void *)run_thread, (const void *)run_c11_thread};

// The buffer of the thread about to start; NULL = it starts without us.
static struct ms_thread *prepare(struct ms_origin origin) {
    if ((ms_tls.special & MS_SPECIAL_OFF) || !ms_alive())
        return NULL;
    uint64_t special = ms_tls.special;
    ms_tls.special |= special & MS_SPECIAL_GUARD ? 0 : ms_stack_pointer();
    if (special & MS_SPECIAL_NEW) {
        ms_thread_attach(NULL, NULL);
        special = ms_tls.special & ~MS_SPECIAL_GUARD;
    }
    uint32_t site_ref = ms_pending_site();
    if (site_ref == 0)
        site_ref = ms_origin_site_ref(&origin);
    else
        special = ms_tls.special & ~MS_SPECIAL_GUARD;
    struct ms_thread *thread = ms_thread_prepare(site_ref);
    ms_tls.special = special;
    ms_strategy_upgrade(MEMSCOPE_UPGRADE_THREAD_STARTED, site_ref);
    if (!thread)
        ms_count_loss(MEMSCOPE_LOSS_unnamed_threads, 1);
    return thread;
}

// pthread_attr_init allocates nothing, and tells libc's default.
static uintptr_t stack_bytes(const pthread_attr_t *attributes) {
    pthread_attr_t usual;
    size_t bytes = 0;
    if (!attributes && pthread_attr_init(&usual) == 0)
        attributes = &usual;
    if (attributes)
        (void)pthread_attr_getstacksize(attributes, &bytes);
    return bytes;
}

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int ms_own_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static int ms_create_thread(pthread_t *id, const pthread_attr_t *attributes, void *(*start)(void *),
                            void *argument, struct ms_origin origin) {
    static create_function *real;
    create_function *call = ms_load(&real);
    if (!call) {
        call = ms_real.is_static ? __pthread_create_2_1
                                 : (create_function *)ms_real_symbol(
                                       "pthread_create", (const void *)ms_own_pthread_create);
        ms_store(&real, call);
    }
    if (!call)
        return EAGAIN;
    int saved_errno = errno;
    struct ms_thread *thread = prepare(origin);
    errno = saved_errno;
    if (!thread)
        return call(id, attributes, start, argument);
    thread->start = start;
    thread->argument = argument;
    thread->stack_bytes = stack_bytes(attributes);
    int error = call(id, attributes, run_thread, thread);
    if (error != 0)
        ms_thread_discard(thread);
    return error;
}

MS_INTERPOSE(int, pthread_create,
             (pthread_t * id, const pthread_attr_t *attributes, void *(*start)(void *),
              void *argument)) {
    return ms_create_thread(id, attributes, start, argument, MS_HERE);
}

MS_EXPORT int __memscope_pthread_create(void *thread, const void *attr, void *(*start)(void *),
                                        void *arg, struct memscope_site *site) {
    return ms_create_thread(thread, attr, start, arg, ms_origin_of(site));
}

typedef int create_c11_function(thrd_t *, thrd_start_t, void *);
int ms_own_thrd_create(thrd_t *, thrd_start_t, void *);

static int ms_create_c11_thread(thrd_t *id, thrd_start_t start, void *argument,
                                struct ms_origin origin) {
    static create_c11_function *real;
    create_c11_function *call = ms_load(&real);
    if (!call) {
        call = ms_real.is_static ? __thrd_create
                                 : (create_c11_function *)ms_real_symbol(
                                       "thrd_create", (const void *)ms_own_thrd_create);
        ms_store(&real, call);
    }
    if (!call)
        return thrd_error;
    int saved_errno = errno;
    struct ms_thread *thread = prepare(origin);
    errno = saved_errno;
    if (!thread)
        return call(id, start, argument);
    thread->stack_bytes = stack_bytes(NULL);
    thread->start_c11 = start;
    thread->argument = argument;
    int result = call(id, run_c11_thread, thread);
    if (result != thrd_success)
        ms_thread_discard(thread);
    return result;
}

MS_INTERPOSE(int, thrd_create, (thrd_t * id, thrd_start_t start, void *argument)) {
    return ms_create_c11_thread(id, start, argument, MS_HERE);
}

MS_EXPORT int __memscope_thrd_create(void *thread, int (*start)(void *), void *arg,
                                     struct memscope_site *site) {
    return ms_create_c11_thread(thread, start, arg, ms_origin_of(site));
}

// The name is the record's at once, so that a profile cut off by SIGKILL has it.
MS_INTERPOSE(int, pthread_setname_np, (pthread_t id, const char *name)) {
    int (*real)(pthread_t, const char *) =
        ms_real.is_static ? __pthread_setname_np
                          : (int (*)(pthread_t, const char *))ms_real_symbol(
                                "pthread_setname_np", (const void *)ms_own_pthread_setname_np);
    int error = real ? real(id, name) : ENOSYS;
    if (error == 0 && ms_load(&ms_shared.alive) && ms_tls.record &&
        pthread_equal(id, pthread_self()))
        strncpy(ms_tls.record->name, name, sizeof ms_tls.record->name - 1);
    return error;
}
