// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "queue.h"

#include <stdlib.h>

struct queue {
    size_t first, count, capacity;
    int *numbers; // a ring
};

struct queue *queue_new(size_t capacity) {
    struct queue *queue = malloc(sizeof *queue);
    if (queue == NULL)
        return NULL;
    *queue = (struct queue){.capacity = capacity};
    queue->numbers = malloc(capacity * sizeof *queue->numbers); // the first ring
    if (queue->numbers == NULL) {
        free(queue);
        return NULL;
    }
    return queue;
}

void queue_delete(struct queue *queue) {
    if (queue != NULL)
        free(queue->numbers);
    free(queue);
}

static bool grow(struct queue *queue) {
    int *numbers = malloc(2 * queue->capacity * sizeof *numbers); // a larger ring
    if (numbers == NULL)
        return false;
    for (size_t i = 0; i < queue->count; i++)
        numbers[i] = queue->numbers[(queue->first + i) % queue->capacity];
    free(queue->numbers);
    queue->numbers = numbers;
    queue->first = 0;
    queue->capacity *= 2;
    return true;
}

bool queue_push(struct queue *queue, int number) {
    if (queue->count == queue->capacity && !grow(queue))
        return false;
    queue->numbers[(queue->first + queue->count++) % queue->capacity] = number;
    return true;
}

bool queue_pop(struct queue *queue, int *number_out) {
    if (queue->count == 0)
        return false;
    *number_out = queue->numbers[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    return true;
}
