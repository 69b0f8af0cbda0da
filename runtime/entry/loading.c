// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Libraries that come and go: dlclose, after which a return address may mean other code, and the
// two ways of loading a library past us: into another namespace, or bound to its own libc first.
// Any thread.

#include "interpose.h"
#include "real.h"
#include "start.h"

#include "base/shared.h"
#include "collect/thread.h"
#include "store/modules.h"

#include <dlfcn.h>
#include <errno.h>

// libc's own names, always there in a static program, where ours hide the usual ones.
extern void *___dlopen(const char *, int) __attribute__((weak));
extern void *___dlmopen(Lmid_t, const char *, int) __attribute__((weak));
extern int __dlclose(void *) __attribute__((weak));

// `place` keeps what was found; `in_libc` serves where nothing can be looked up.
static void *real_of(void **place, const char *name, const void *own, const void *in_libc) {
    void *real = ms_load(place);
    if (!real) {
        real = ms_real.is_static ? (void *)in_libc : ms_real_symbol(name, own);
        ms_store(place, real);
    }
    return real;
}

static void note_hidden_library(void) {
    int saved_errno = errno;
    if (ms_alive())
        ms_count_loss(MEMSCOPE_LOSS_hidden_libraries, 1);
    errno = saved_errno;
}

// Where libc looks for the library depends on who calls, by the return address: these two end in a
// jump, which leaves it the caller's.
MS_INTERPOSE(void *, dlopen, (const char *file, int mode)) {
    static void *place;
    void *(*real)(const char *, int) = (void *(*)(const char *, int))real_of(
        &place, "dlopen", (const void *)ms_own_dlopen, (const void *)___dlopen);
    if (mode & RTLD_DEEPBIND)
        note_hidden_library();
    ms_store(&ms_modules_loaded, 1u);
    return real ? real(file, mode) : NULL;
}

MS_INTERPOSE(void *, dlmopen, (Lmid_t space, const char *file, int mode)) {
    static void *place;
    void *(*real)(Lmid_t, const char *, int) = (void *(*)(Lmid_t, const char *, int))real_of(
        &place, "dlmopen", (const void *)ms_own_dlmopen, (const void *)___dlmopen);
    if (space != LM_ID_BASE || (mode & RTLD_DEEPBIND))
        note_hidden_library();
    ms_store(&ms_modules_loaded, 1u);
    return real ? real(space, file, mode) : NULL;
}

// Which object goes away cannot be told before; what is gone can be told after: the objects whose
// return addresses we know are looked up again.
MS_INTERPOSE(int, dlclose, (void *handle)) {
    static void *place;
    int (*real)(void *) = (int (*)(void *))real_of(&place, "dlclose", (const void *)ms_own_dlclose,
                                                   (const void *)__dlclose);
    int result = real ? real(handle) : -1;
    if (result == 0 && ms_load(&ms_shared.alive)) {
        int saved_errno = errno;
        ms_modules_forget_unloaded(ms_threads_forget_addresses);
        errno = saved_errno;
    }
    return result;
}
