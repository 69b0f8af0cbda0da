// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the user wants no unwind tables, stacks need them nevertheless.
//
// RUN: %cc -O2 -fno-asynchronous-unwind-tables -S -emit-llvm %s -o - | %check --check-prefix=KEPT
// RUN: %cc -O0 -fno-asynchronous-unwind-tables -S -emit-llvm %s -o - | %check --check-prefix=KEPT
// RUN: %cc -fplugin=%plugin -mllvm -memscope-frame-pointers=0 -O2 -fno-asynchronous-unwind-tables -S -emit-llvm %s -o - | %check --check-prefix=OFF
// RUN: %cc -O2 -fno-asynchronous-unwind-tables -c %s -o %t.o && %readelf -S %t.o | %check --check-prefix=SECTION

int answer(int *);
// KEPT: @ask({{.*}} [[GROUP:#[0-9]+]]
// KEPT: attributes [[GROUP]] = {{.* }}uwtable{{[ (]}}
// OFF-NOT: uwtable
// SECTION: .eh_frame
int ask(void) {
    int n = 0;
    answer(&n);
    return n + 1;
}
