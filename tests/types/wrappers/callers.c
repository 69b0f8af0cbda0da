// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls wrappers and keeps its own books on each line. `//= TYPE | VARIABLE` is what the site of
// the line is to say.

#include "allocate.h"
#include "truth.h"

#include <string.h>

struct node {
    struct node *next;
    long value;
};
struct larger {
    struct node node;
    long more[3];
};
static struct node *volatile head;

__attribute__((noinline)) static struct node *returned(void) {
    struct node *made = checked(sizeof *made); TRUTH(made, sizeof *made); //= struct node | made
    return made;
}

static void kinds(int n) {
    struct node *node = checked(sizeof *node); TRUTH(node, sizeof *node); //= struct node | node
    keep(node);
    struct node *many = cleared(3, sizeof *many); TRUTH(many, 3 * sizeof *many); //= struct node | many
    keep(many);
    char *text = copied("hello"); TRUTH(text, 6); //= char | text
    keep(text);
    char *shown = formatted("%d", n); TRUTH_LIVE(shown, 2); //= char | shown
    keep(shown);
    int *twice = twice_wrapped(n * 4); TRUTH(twice, (size_t)n * 4); //= int | twice
    keep(twice);
    void *block;
    TRUTH(into(&block, 24) ? NULL : block, 24);
    keep(block);
    size_t capacity;
    long *room = with_capacity(56, &capacity); TRUTH(room, 56); //= long | room
    keep(room);
    float *hooked = by_hook(40); TRUTH(hooked, 40); //= float | hooked
    keep(hooked);
    double *few = numbers(7); TRUTH(few, 56); //= double | few
    keep(few);
    struct node *in_line = inline_checked(sizeof *in_line); TRUTH(in_line, sizeof *in_line); //= struct node | in_line
    keep(in_line);
    struct node *base = checked(sizeof(struct larger)); TRUTH(base, sizeof(struct larger)); //= ? | base
    keep(base);
    struct node *by_mark = marked(sizeof *by_mark); TRUTH(by_mark, sizeof *by_mark); //= struct node | by_mark
    keep(by_mark);
}

static void freed(void) {
    for (int i = 0; i < 100; i++) {
        short *samples = checked(20); TRUTH(samples, 20); //= short | samples
        keep(samples);
        if (i % 3)
            free(TRUTH_FREE(samples));
    }
    char *buffer = checked(10); TRUTH(buffer, 10); //= char | buffer
    keep(buffer);
    char *larger; larger = TRUTH_REALLOC(buffer, larger = grown(buffer, 500), 500); //= char | larger
    keep(larger);
    free(TRUTH_FREE(larger));
}

int main(int argc, char **argv) {
    (void)argv;
    kinds(argc + 1);
    freed();
    head = returned();
    head->next = checked(sizeof *head); TRUTH(head->next, sizeof *head); //= struct node | node.next
    struct node *second = argc > 1 ? checked(11) : checked(sizeof *second); TRUTH(second, 16); //= struct node | second
    keep(second);
    struct request request = {77};
    void *block = listed(&request); TRUTH(block, 77); //= ? | block
    keep(block);
    truth_print();
    return 0;
}
