// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With the runtime linked in there is no test; a module for a shared object keeps it.
//
// RUN: %cc %linked -fno-pic -O2 -g -S -emit-llvm %s -o - | %check --check-prefix=DIRECT
// RUN: %cc %linked -fPIE -O2 -g -S -emit-llvm %s -o - | %check --check-prefix=DIRECT
// RUN: %cc %linked -fPIC -O2 -g -S -emit-llvm %s -o - | %check --check-prefix=WEAK

#include <stdlib.h>
#include <string.h>

// DIRECT-LABEL: @work(
// DIRECT-NOT: icmp
// DIRECT: call {{.*}}@__memscope_enter_site(
// DIRECT: call {{.*}}@strdup(
// DIRECT: call {{.*}}@__memscope_leave_site(
// DIRECT: call {{.*}}@__memscope_malloc(
// DIRECT-NOT: @malloc(
// DIRECT: call {{.*}}@__memscope_free(
// DIRECT-NOT: @free(
// DIRECT: define internal void @memscope.module_load()
// DIRECT-NOT: icmp
// DIRECT: load volatile i8, {{.*}}@__memscope_abi_5_else_rebuild_with_this_memscope
// DIRECT-NOT: extern_weak
// WEAK-LABEL: @work(
// WEAK: icmp ne {{.*}}@__memscope_malloc, null
// WEAK: declare extern_weak {{.*}}@__memscope_malloc(
void *work(char *text, void **out) {
    *out = strdup(text);
    void *block = malloc(strlen(text));
    free(text);
    return block;
}
