// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instrumented when compiled, in no way at the link, even with the plugin loaded there again.
//
// RUN: %cc -O2 -g -flto=thin -c %s -o %t.o
// RUN: %clang -O2 -flto=thin %lld %t.o %mock -o %t && %t | %check
// RUN: case %clang in *llvm-14*) ;; *) %clang -O2 -flto=thin %lld -Wl,--load-pass-plugin=%plugin %t.o %mock -o %t && %t | %check ;; esac

#include <stdlib.h>

void *volatile p;
// CHECK: load abi=5 flags=0 alloc=1
// CHECK-NEXT: malloc 5 @[[@LINE+4]] main
// CHECK-NEXT: free ptr
// CHECK-NEXT: unload
int main(void) {
    p = malloc(5);
    free(p);
    return 0;
}
