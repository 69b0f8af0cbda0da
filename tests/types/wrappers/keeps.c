// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Wrappers that keep blocks of their own beside those that they hand out, with their own books on
// each line. `//= TYPE | VARIABLE` is what the site of the line is to say.

#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    void *block;
    size_t bytes;
};
struct node {
    struct node *next;
    long value;
};
static struct entry *entries;
static size_t entry_count, entry_capacity;
static void *volatile kept;

static void keep(void *block) {
    kept = block;
}

void *plain(size_t bytes) {
    void *block = malloc(bytes);
    if (!block)
        abort();
    return block;
}

// A table that grows beside what is asked for.
void *noted(size_t bytes) {
    if (entry_count == entry_capacity) {
        struct entry *old = entries;
        entry_capacity = entry_capacity ? 2 * entry_capacity : 2;
        TRUTH_REALLOC(old, entries = realloc(old, entry_capacity * sizeof *entries), entry_capacity * sizeof *entries); //= struct entry | entries
    }
    void *block = malloc(bytes);
    entries[entry_count++] = (struct entry){block, bytes};
    return block;
}

// By another wrapper, and never freed; the variable is used twice.
__attribute__((noinline)) void *headed(size_t bytes) {
    struct entry *head = plain(sizeof *head); TRUTH(head, sizeof *head); //= struct entry | head
    keep(head);
    void *block = plain(7); TRUTH(block, 7); //= ? | block
    keep(block);
    block = plain(bytes);
    head->block = block;
    return block;
}

// For a while, in a size that the caller told.
static void *copied(const void *from, size_t bytes) {
    char *line = malloc(bytes + 9); TRUTH(line, bytes + 9); //= char | line
    keep(line);
    memcpy(line, from, bytes);
    void *copy = plain(bytes);
    memcpy(copy, line, bytes);
    free(TRUTH_FREE(line));
    return copy;
}

// A pool: of what it hands out nothing is a block, but for what is large.
static char *chunk;
static size_t left;
__attribute__((noinline)) void *pooled(size_t bytes) {
    if (bytes > 100)
        return malloc(bytes);
    if (left < bytes) {
        chunk = malloc(1000); TRUTH(chunk, 1000); //= char | chunk
        left = 1000;
    }
    left -= bytes;
    return chunk + left;
}

// Both at one place of the source: nothing is passed on.
#define WITH_SPARE(bytes) (keep(spare = malloc(11)), malloc(bytes))
static char *spare;
__attribute__((noinline)) void *spared(size_t bytes) {
    char *block = WITH_SPARE(bytes); TRUTH(spare, 11), TRUTH(block, bytes); //= char | spare
    return block;
}

int into(void **out, size_t bytes) {
    short *mark = malloc(6); TRUTH(mark, 6); //= short | mark
    keep(mark);
    *out = malloc(bytes);
    return *out ? 0 : -1;
}

// Of another unit, as far as this one knows.
void *(*volatile elsewhere)(size_t) = noted;
void *asks_twice(size_t bytes) {
    float *own = elsewhere(12); TRUTH(own, 12); //= float | own
    keep(own);
    return elsewhere(bytes);
}

int main(void) {
    struct node *first = noted(sizeof *first); TRUTH(first, sizeof *first); //= struct node | first
    keep(first);
    for (int i = 0; i < 5; i++) {
        int *many = noted(20); TRUTH(many, 20); //= int | many
        keep(many);
    }
    double *header = headed(40); TRUTH(header, 40); //= double | header
    keep(header);
    struct node *copy = copied(first, sizeof *copy); TRUTH(copy, sizeof *copy); //= struct node | copy
    keep(copy);
    struct node *small = pooled(sizeof *small);
    keep(small);
    long *large = pooled(200); TRUTH(large, 200); //= long | large
    keep(large);
    struct node *beside = spared(sizeof *beside);
    keep(beside);
    void *out;
    TRUTH(into(&out, 24) ? NULL : out, 24);
    keep(out);
    unsigned *twice = asks_twice(32); TRUTH(twice, 32); //= unsigned int | twice
    keep(twice);
    truth_print();
    return 0;
}
