; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;
; Such a body is a copy for the optimizer; the one that runs is elsewhere.
; RUN: %opt -passes=memscope-prepare,memscope-instrument -S %s -o - 2>/dev/null | %check
target triple = "x86_64-pc-linux-gnu"
declare ptr @malloc(i64)

; CHECK-LABEL: define available_externally ptr @copy(
; CHECK-NOT: __memscope
; CHECK: call ptr @malloc(
; CHECK-NOT: __memscope
; CHECK: ret
define available_externally ptr @copy(i64 %n) {
  %p = call ptr @malloc(i64 %n)
  ret ptr %p
}

; CHECK-LABEL: define ptr @own(
; CHECK: call ptr @__memscope_malloc(
define ptr @own(i64 %n) {
  %p = call ptr @malloc(i64 %n)
  ret ptr %p
}
