// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Libraries that come and go: dlclose, after which a return address may mean other code; and
// loading in ways that put libc's allocator before ours, which can only be told.

#include "count.h"
#include "interpose.h"
#include "real.h"

#include "collect/thread.h"
#include "store/modules.h"

#include <dlfcn.h>
#include <errno.h>

// Which object goes away cannot be told before; what is gone can be told after: the objects whose
// return addresses we know are looked up again.
MS_INTERPOSE(int, dlclose, (void *handle)) {
    int (*real)(void *) = (int (*)(void *))ms_real_symbol("dlclose", (const void *)ms_own_dlclose);
    int result = real ? real(handle) : -1;
    if (result == 0 && ms_load(&ms_shared.alive)) {
        int saved_errno = errno;
        ms_modules_forget_unloaded(ms_threads_forget_addresses);
        errno = saved_errno;
    }
    return result;
}

// Not in the static runtime: in a static program they would hide libc's, with no way to it.
#if !defined(MEMSCOPE_STATIC_RUNTIME) && !defined(MEMSCOPE_NO_INTERPOSE)

static void note_hidden_library(void) {
    if (ms_load(&ms_shared.alive))
        ms_count_loss(MEMSCOPE_LOSS_hidden_libraries, 1);
}

// dlopen and dlmopen look at who calls them (for its RUNPATH and its namespace): the calls below
// must be jumps, with the return address of ours.
MS_INTERPOSE(void *, dlopen, (const char *path, int flags)) {
    void *(*real)(const char *, int) =
        (void *(*)(const char *, int))ms_real_symbol("dlopen", (const void *)ms_own_dlopen);
    if (!real)
        return NULL;
    if (flags & RTLD_DEEPBIND)
        note_hidden_library();
    return real(path, flags);
}

MS_INTERPOSE(void *, dlmopen, (Lmid_t space, const char *path, int flags)) {
    void *(*real)(Lmid_t, const char *, int) = (void *(*)(Lmid_t, const char *, int))ms_real_symbol(
        "dlmopen", (const void *)ms_own_dlmopen);
    if (!real)
        return NULL;
    if (space != LM_ID_BASE || (flags & RTLD_DEEPBIND))
        note_hidden_library();
    return real(space, path, flags);
}

#endif
