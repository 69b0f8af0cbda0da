// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cc -O2 -g -fomit-frame-pointer -S -emit-llvm %s -o - | %check --check-prefix=KEPT
// RUN: %cc -O2 -g -fno-omit-frame-pointer -S -emit-llvm %s -o - | %check --check-prefix=ALL
// RUN: %cc -fplugin=%plugin -mllvm -memscope-frame-pointers=0 -O2 -g -fomit-frame-pointer -S -emit-llvm %s -o - | %check --check-prefix=OFF

int answer(int *);
// KEPT: @ask({{.*}} [[GROUP:#[0-9]+]]
// KEPT: attributes [[GROUP]] = {{.*}}"frame-pointer"="non-leaf"
// ALL: @ask({{.*}} [[GROUP:#[0-9]+]]
// ALL: attributes [[GROUP]] = {{.*}}"frame-pointer"="all"
// OFF-NOT: "frame-pointer"="non-leaf"
int ask(void) {
    int n = 0;
    answer(&n);
    return n + 1;
}
