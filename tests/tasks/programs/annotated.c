// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope/tasks.h in C11: a scope and its statistics. Without a runtime: NOT_LINKED.

#include <memscope/memscope.h>

#include <stdio.h>
#include <stdlib.h>

int main(void) {
    memscope_task task = memscope_task_begin("scope in C");
    memscope_status labelled = memscope_task_set_label("seven");
    void *volatile p = malloc(700);
    struct memscope_task_statistics s = {0};
    memscope_status got = memscope_task_get_statistics(&s);
    free(p);
    memscope_status ended = memscope_task_end(task);
    if (labelled == MEMSCOPE_NOT_LINKED && got == labelled && ended == labelled && task == 0)
        puts("not linked");
    else if (labelled == MEMSCOPE_OK && got == labelled && ended == labelled && s.live_bytes == 700)
        puts("linked");
    return 0;
}
