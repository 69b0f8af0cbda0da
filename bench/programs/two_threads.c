// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// two_threads ROUNDS: two threads with a mailbox each. A thread keeps three of four blocks and
// frees them itself; every fourth goes to the other thread, which frees it. Prints its own books
// of the calls in this file: {"allocations", "bytes", "frees", "freed_bytes"}.

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIVE = 64, BOX = 256 };

struct block {
    size_t bytes;
    char rest[];
};

struct books {
    uint64_t allocations;
    uint64_t bytes;
    uint64_t frees;
    uint64_t freed_bytes;
};

struct worker {
    _Alignas(128) struct books books;
    _Alignas(128) _Atomic(struct block *) box[BOX]; // NULL = free; filled by the other thread
    struct worker *other;
    pthread_t thread;
};

static struct worker workers[2];
static unsigned long rounds;

static void drop(struct books *books, struct block *block) {
    if (!block)
        return;
    books->frees++;
    books->freed_bytes += block->bytes;
    free(block);
}

static void *work(void *argument) {
    struct worker *self = argument;
    struct books books = {0};
    struct block *kept[ALIVE] = {NULL};
    for (unsigned long i = 0; i < rounds; i++) {
        size_t bytes = sizeof(struct block) + 8 + i % 200;
        struct block *block = malloc(bytes);
        if (!block)
            abort();
        block->bytes = bytes;
        books.allocations++;
        books.bytes += bytes;
        if (i % 4 == 0) {
            struct block *empty = NULL;
            if (!atomic_compare_exchange_strong(&self->other->box[i / 4 % BOX], &empty, block))
                drop(&books, block); // the other is behind
            drop(&books, atomic_exchange(&self->box[i / 4 % BOX], NULL));
        } else {
            drop(&books, kept[i % ALIVE]);
            kept[i % ALIVE] = block;
        }
    }
    for (unsigned i = 0; i < ALIVE; i++)
        drop(&books, kept[i]);
    self->books = books;
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    rounds = strtoul(argv[1], NULL, 10);
    for (unsigned i = 0; i < 2; i++)
        workers[i].other = &workers[1 - i];
    for (unsigned i = 0; i < 2; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 3;
    for (unsigned i = 0; i < 2; i++)
        pthread_join(workers[i].thread, NULL);
    struct books sum = {0};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned at = 0; at < BOX; at++)
            drop(&sum, atomic_exchange(&workers[i].box[at], NULL));
        sum.allocations += workers[i].books.allocations;
        sum.bytes += workers[i].books.bytes;
        sum.frees += workers[i].books.frees;
        sum.freed_bytes += workers[i].books.freed_bytes;
    }
    printf("{\"allocations\": %llu, \"bytes\": %llu, \"frees\": %llu, \"freed_bytes\": %llu}\n",
           (unsigned long long)sum.allocations, (unsigned long long)sum.bytes,
           (unsigned long long)sum.frees, (unsigned long long)sum.freed_bytes);
    return 0;
}
