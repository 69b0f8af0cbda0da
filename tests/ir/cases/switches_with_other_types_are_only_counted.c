// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions that only share a name with a switch of stacks are no switch, but are counted as one.
//
// RUN: %cc -O0 -g %s %mock -o %t && %t | %check

// CHECK: load abi=5 {{.*}} fiber=2
// CHECK-NOT: context
int jump_fcontext(int number) {
    return number - 1;
}
void setcontext(const char *name) {
    (void)name;
}
int main(void) {
    setcontext("name");
    return jump_fcontext(1);
}
