// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "chain.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 4096, TEXT = 4400 };

static struct told {
    uint64_t calls, bytes;
    char text[TEXT]; // flags and chain
} told[ROOM];
static int told_count;
static atomic_flag lock = ATOMIC_FLAG_INIT;
static __thread struct chain own;
static __thread struct chain *now;

static void die(const char *text) {
    fprintf(stderr, "chain: %s\n", text);
    abort();
}

static struct chain *chain(void) {
    return now ? now : &own;
}

struct chain *chain_switch(struct chain *other) {
    struct chain *before = now;
    now = other;
    return before;
}

int chain_enter(const char *name) {
    struct chain *to = chain();
    if (to->count == (int)(sizeof to->names / sizeof *to->names))
        die("too deep");
    to->names[to->count] = name;
    return to->count++;
}

void chain_leave(const int *entered) {
    chain()->count = *entered;
}

void *chain_tell(void *block, size_t size, const char *flags) {
    const struct chain *from = chain();
    char text[TEXT];
    const char *depth = getenv("CHAIN_CUT");
    int most = depth ? atoi(depth) : 64; // the runtime's default
    // Where it was started is no frame.
    bool started = from->count > 0 && strncmp(from->names[0], "spawn ", strlen("spawn ")) == 0;
    bool cut = from->count - started > most;
    int end = cut ? from->count - most : 0;
    size_t length = (size_t)snprintf(text, sizeof text, "%s ", cut ? "cut" : flags);
    for (int i = from->count; i-- > end && length < sizeof text;)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", from->names[i],
                                   i > end ? ";" : "");
    if (cut && started && length < sizeof text)
        length += (size_t)snprintf(text + length, sizeof text - length, ";%s", from->names[0]);
    if (length >= sizeof text)
        die("too long");
    while (atomic_flag_test_and_set(&lock))
        ;
    int i = 0;
    while (i < told_count && strcmp(told[i].text, text) != 0)
        i++;
    if (i == ROOM)
        die("no room");
    if (i == told_count)
        memcpy(told[told_count++].text, text, length + 1);
    told[i].calls++;
    told[i].bytes += size;
    atomic_flag_clear(&lock);
    return block;
}

void chain_begin_child(void) {
    memset(told, 0, sizeof told);
    told_count = 0;
}

void chain_print(void) {
    char line[TEXT + 100];
    const char *prefix = getenv("TRUTH_OUT");
    snprintf(line, sizeof line, "%s.%d", prefix ? prefix : "truth", (int)getpid());
    int file = open(line, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < told_count; i++) {
        int length =
            snprintf(line, sizeof line, "%lu %lu %s\n", told[i].calls, told[i].bytes, told[i].text);
        if (write(file, line, (size_t)length) != length)
            die("cannot write");
    }
    close(file);
}

__attribute__((destructor(101))) static void print_at_end(void) {
    chain_print();
}
