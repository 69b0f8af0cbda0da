// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cc --target=aarch64-linux-gnu -O2 -g -S -emit-llvm %s -o - | %check
// RUN: %cc --target=aarch64-linux-gnu -O2 -g -c %s -o %t.o && %readelf -h %t.o | grep AArch64
// RUN: %nm %t.o | grep -w "w __memscope_malloc" && %nm %t.o | grep -w "w __memscope_module_load"
// RUN: %readelf -S %t.o | grep "\.init_array\.1" && %readelf -S %t.o | grep "\.fini_array\.1"

void *malloc(unsigned long);
// CHECK: target triple = "aarch64
// CHECK-LABEL: @allocate(
// CHECK: call {{.*}}@__memscope_malloc(i64
void *allocate(void) {
    return malloc(1);
}
