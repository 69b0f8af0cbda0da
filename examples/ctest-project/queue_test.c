// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// queue_test CASE: runs one case, exits 0 where it holds.

#include "queue.h"

#include <stdio.h>
#include <string.h>

static bool empty_queue_holds_nothing(void) {
    struct queue *queue = queue_new(16);
    int number;
    bool holds = queue != NULL && !queue_pop(queue, &number);
    queue_delete(queue);
    return holds;
}

static bool grows_when_full(void) {
    struct queue *queue = queue_new(16);
    bool holds = queue != NULL;
    for (int i = 0; holds && i < 1000; i++)
        holds = queue_push(queue, i);
    for (int i = 0, number; holds && i < 1000; i++)
        holds = queue_pop(queue, &number) && number == i;
    queue_delete(queue);
    return holds;
}

static const struct {
    const char *name;
    bool (*holds)(void);
} cases[] = {
    {"empty_queue_holds_nothing", empty_queue_holds_nothing},
    {"grows_when_full", grows_when_full},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            return cases[i].holds() ? 0 : 1;
    fprintf(stderr, "usage: queue_test CASE\n");
    return 2;
}
