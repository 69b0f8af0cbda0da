// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of each allocation the type of the objects and the variable, field or element that holds the
// address; neither is guessed where the size contradicts or the pointers are to void.
//
// RUN: for f in -O0 -O2; do %cc -g $f %s %mock -o %t && %t | %check || exit 1; done

#include <stdlib.h>

struct node {
    struct node *next;
    char *text;
};
struct node *volatile head, *volatile slots[4];
void *volatile sink;

__attribute__((noinline)) static struct node *make(void) {
    return malloc(sizeof(struct node));
}

int main(void) {
    // CHECK: malloc 16 @[[@LINE+1]] main {{.*}} type=struct node variable=head
    head = malloc(sizeof *head);
    // CHECK: malloc 5 @[[@LINE+1]] main {{.*}} type=char variable=node.text
    head->text = malloc(5);
    // CHECK: calloc 3 16 @[[@LINE+1]] main {{.*}} type=struct node variable=slots[]
    slots[2] = calloc(3, sizeof **slots);
    // CHECK: malloc 16 @{{[0-9]+}} make {{.*}} type=struct node variable=?
    sink = make();
    // CHECK: malloc 20 @[[@LINE+1]] main {{.*}} type=? variable=head
    head = malloc(20);
    // CHECK: malloc 7 @[[@LINE+1]] main {{.*}} type=? variable=sink
    sink = malloc(7);
    return 0;
}
