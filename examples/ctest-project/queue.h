// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A growing queue of numbers. One thread at a time.

#pragma once

#include <stdbool.h>
#include <stddef.h>

struct queue;

struct queue *queue_new(size_t capacity);             // NULL where memory is out
void queue_delete(struct queue *queue);               // NULL is allowed
bool queue_push(struct queue *queue, int number);     // false where memory is out
bool queue_pop(struct queue *queue, int *number_out); // false where it is empty
