// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bare flag: the hook is a weak reference, and the plain call stays beside it.
//
// RUN: %cc -O0 -g -S -emit-llvm %s -o - | %check
// RUN: %cc -O2 -g -S -emit-llvm %s -o - | %check

void *malloc(unsigned long);

// CHECK: @memscope.site = private global {{.*}} { i32 1, i16 1, i16 0, i32 23, i32 12,
// CHECK-LABEL: @allocate(
// CHECK: [[HAS:%[a-z0-9._]+]] = icmp ne {{.*}}@__memscope_malloc, null, !dbg
// CHECK-NEXT: br i1 [[HAS]], label %[[HOOK:[a-z0-9._]+]], label %[[PLAIN:[a-z0-9._]+]], !dbg
// CHECK: [[HOOK]]:
// CHECK: call {{.*}}@__memscope_malloc(i64 {{.*}}@memscope.site
// CHECK: br label %[[JOIN:[a-z0-9._]+]], !dbg
// CHECK: [[PLAIN]]:
// CHECK: call {{.*}}@malloc(i64
// CHECK: br label %[[JOIN]], !dbg
// CHECK: [[JOIN]]:
// CHECK-NEXT: phi [[PTR]] [ %{{.*}}, %[[HOOK]] ], [ %{{.*}}, %[[PLAIN]] ]
void *allocate(unsigned long n) {
    return malloc(n);
}
// CHECK: declare extern_weak {{.*}}@__memscope_malloc(i64, [[PTR]])
