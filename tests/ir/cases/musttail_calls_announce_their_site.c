// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A musttail call keeps its callee's type and stands before the return: next_site goes before it,
// and the musttail free becomes its hook, which has the same type.
//
// RUN: %cc -O0 -g -S -emit-llvm %s -o - | %check --check-prefix=WEAK
// RUN: %cc %linked -O2 -g -S -emit-llvm %s -o - | %check --check-prefix=DIRECT
// RUN: %cc -O0 -g -DMAIN %s %mock -o %t && %t | %check --check-prefix=RAN
// RUN: %cc -O2 -g -DMAIN %s %mock -o %t && %t | %check --check-prefix=RAN
// RUN: %cc -O2 -g -DMAIN %s -o %t && %t

#include <stdlib.h>

// WEAK-LABEL: @allocate(
// WEAK: icmp ne {{.*}}@__memscope_next_site, null
// WEAK: call void @__memscope_next_site({{.*}}@memscope.site
// WEAK: musttail call {{.*}}@malloc(
// WEAK-NEXT: ret
// DIRECT-LABEL: @allocate(
// DIRECT: call void @__memscope_next_site({{.*}}@memscope.site
// DIRECT-NEXT: musttail call {{.*}}@malloc(
// DIRECT-NEXT: ret
__attribute__((noinline)) void *allocate(size_t n) {
    __attribute__((musttail)) return malloc(n);
}

// WEAK-LABEL: @release(
// WEAK: icmp ne {{.*}}@__memscope_free, null
// WEAK: musttail call void @__memscope_free(
// WEAK-NEXT: ret void
// WEAK: musttail call void @free(
// WEAK-NEXT: ret void
// DIRECT-LABEL: @release(
// DIRECT: musttail call void @__memscope_free(
// DIRECT-NEXT: ret void
// DIRECT-NOT: @free(
__attribute__((noinline)) void release(void *p) {
    __attribute__((musttail)) return free(p);
}

#ifdef MAIN
// RAN: load abi=5 flags=0 alloc=1
// RAN-NEXT: next @{{[0-9]+}} allocate{{.*}}kind=1
// RAN-NEXT: free ptr
void *volatile p;
int main(void) {
    p = allocate(5);
    release(p);
    return 0;
}
#endif
