; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;
; The attribute came with LLVM 15.
; MAJORS: 19 22
; RUN: %opt -passes=memscope-prepare,memscope-instrument -S %s -o - 2>/dev/null | %check
target triple = "x86_64-pc-linux-gnu"
declare ptr @take(i64) allockind("alloc,uninitialized")
declare ptr @grow(ptr allocptr, i64) allockind("realloc")
declare void @drop(ptr allocptr) allockind("free")

; CHECK-LABEL: define ptr @work(
; CHECK: call i32 @__memscope_enter_site(ptr @memscope.site)
; CHECK: call ptr @take(
; CHECK: call void @__memscope_leave_site(
; CHECK: call i32 @__memscope_enter_site(ptr @memscope.site
; CHECK: call ptr @grow(
; CHECK: call void @__memscope_leave_site(
; CHECK-NOT: __memscope
; CHECK: call void @drop(
; CHECK-NOT: __memscope
; CHECK: ret
define ptr @work(i64 %n) nounwind {
  %p = call ptr @take(i64 %n)
  %q = call ptr @grow(ptr %p, i64 %n)
  call void @drop(ptr %q)
  ret ptr %q
}
