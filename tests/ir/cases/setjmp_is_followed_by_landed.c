// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A longjmp passes no leave_site: where setjmp returns, the runtime hears of it.
//
// RUN: %cc -O2 -g %s %mock -o %t && %t | %check
// RUN: %cc -O2 -g %s -o %t && %t
// RUN: %cc -O2 -g %linked -S -emit-llvm %s -o - | %check --check-prefix=LINKED

#include <setjmp.h>
#include <stdlib.h>

jmp_buf place;
void *volatile sink;

int main(void) {
    // CHECK: landed
    // CHECK-NEXT: malloc 10 
    // CHECK-NEXT: landed
    // CHECK-NEXT: malloc 20 
    // LINKED: call i32 @_setjmp
    // LINKED-NEXT: call void @__memscope_landed()
    if (setjmp(place) == 0) {
        sink = malloc(10);
        longjmp(place, 1);
    }
    sink = malloc(20);
    return 0;
}
