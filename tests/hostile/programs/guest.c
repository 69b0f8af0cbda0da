// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library that allocates: 100 bytes as often as it is asked, and 64 that it returns. With INNER it
// loads a library by a name that only its own RUNPATH leads to, and asks that one.

#include <dlfcn.h>
#include <stdlib.h>

void *guest(int count)
{
    for (int i = 0; i < count; ++i) {
        void *volatile p = malloc(100);
        free(p);
    }
#ifdef INNER
    void *handle = dlopen(INNER, RTLD_NOW);
    if (handle == NULL)
        abort();
    void *(*inner)(int) = (void *(*)(int))dlsym(handle, "guest");
    return inner(count);
#else
    return malloc(64);
#endif
}
