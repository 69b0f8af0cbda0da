// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// -fPIC and -fvisibility=hidden: the library's weak hooks bind to the program's, also after dlopen,
// and its module is unloaded with it.
//
// RUN: %cc -O2 -g -fPIC -fvisibility=hidden -shared -DLIBRARY %s -o %t.so
// RUN: %cc -O2 -g -fPIC -fvisibility=hidden -shared -DLIBRARY %linked %lld %s -o %t.linked.so
// RUN: %clang -O2 -g %s %mock '-Wl,--export-dynamic-symbol=__memscope_*' -ldl -o %t && %t %t.so | %check && %t %t.linked.so | %check
// RUN: %clang -O2 -g %s %mock %lld '-Wl,--export-dynamic-symbol=__memscope_*' -ldl -o %t && %t %t.so | %check && %t %t.linked.so | %check

#include <stdlib.h>
#ifdef LIBRARY
__attribute__((visibility("default"))) void *take(size_t n) {
    return malloc(n);
}
#else
#include <dlfcn.h>
#include <stdio.h>
// CHECK: load abi=5 flags=0 alloc=1
// CHECK-NEXT: malloc 9 @[[@LINE-6]] take
// CHECK-NEXT: unload abi=5
// CHECK-NEXT: closed
int main(int argc, char **argv) {
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library)
        return fprintf(stderr, "%s\n", dlerror()), 1;
    void *(*take)(size_t) = (void *(*)(size_t))dlsym(library, "take");
    if (!take || !take(9))
        return 2;
    dlclose(library);
    puts("closed");
    return 0;
}
#endif
