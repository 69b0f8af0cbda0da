// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cc -O0 -g %s %mock -o %t && %t | %check
// RUN: %cc -O2 -g -D_FORTIFY_SOURCE=2 %s %mock -o %t && %t | %check
// RUN: %cc -O2 -g %s -o %t && %t

#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *volatile s;
char *text;
size_t size;

__attribute__((noinline)) static int format(const char *f, ...) {
    va_list list;
    va_start(list, f);
    // CHECK: enter 0 {{.*}}kind=15
    int n = vasprintf(&text, f, list);
    va_end(list);
    return n;
}

int main(void) {
    // CHECK-NEXT: leave 0{{$}}
    if (format("%d", 12) != 2)
        return 1;
    // CHECK-NEXT: enter 0 {{.*}}kind=14
    // CHECK-NEXT: leave 0{{$}}
    if (asprintf(&text, "%d", 345) != 3)
        return 2;
    // CHECK-NEXT: enter 0 @[[@LINE+2]] main kind=10
    // CHECK-NEXT: leave 0{{$}}
    s = strdup(text);
    // CHECK-NEXT: enter 0 @[[@LINE+2]] main kind=11
    // CHECK-NEXT: leave 0{{$}}
    s = strndup(text, 2);
    text = NULL;
    FILE *file = fopen("/proc/self/stat", "r");
    // CHECK-NEXT: enter 0 {{.*}}kind={{12|13}}
    // CHECK-NEXT: leave 0{{$}}
    if (getline(&text, &size, file) < 0)
        return 3;
    // CHECK-NEXT: enter 0 @[[@LINE+2]] main kind=13
    // CHECK-NEXT: leave 0{{$}}
    getdelim(&text, &size, ' ', file);
    return 0;
}
