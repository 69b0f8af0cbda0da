// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// blocks THREADS STEPS SEED [fork|kill|settle]: allocates, reallocates, frees and hands blocks to other
// threads at random, and prints every block it freed or still holds: address, bytes, line. Its books
// lie in static memory. `fork`: a child goes on alone and prints into $CHILD. `kill`: ends by SIGKILL
// while threads run. `settle`: the same after all have ended and HELD_MOST blocks were allocated.

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS_MOST = 16, HELD_MOST = 64, FREED_MOST = 1 << 19, MAIL_MOST = 256 };

struct entry {
    void *block;
    size_t bytes;
    int line;
};

static struct entry held[THREADS_MOST][HELD_MOST], settled[HELD_MOST];
static struct entry freed[FREED_MOST];
static atomic_uint freed_count;

static struct entry mail[MAIL_MOST];
static unsigned mail_count;
static pthread_mutex_t mail_lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned thread_count, steps;
static uint64_t seed;
static _Thread_local uint64_t state;

static uint64_t next_random(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
}

static void note_freed(const struct entry *entry) {
    unsigned at = atomic_fetch_add(&freed_count, 1);
    if (at >= FREED_MOST)
        abort();
    freed[at] = *entry;
}

static void release(struct entry *entry) {
    note_freed(entry);
    free(entry->block);
    entry->block = NULL;
}

static void allocate(struct entry *entry) {
    size_t bytes = 1 + next_random() % 600;
    switch (next_random() % 4) {
    case 0:
        *entry = (struct entry){malloc(bytes), bytes, __LINE__};
        break;
    case 1:
        *entry = (struct entry){calloc(2, bytes), 2 * bytes, __LINE__};
        break;
    case 2:
        *entry = (struct entry){aligned_alloc(64, 64 * bytes), 64 * bytes, __LINE__};
        break;
    default:
        *entry = (struct entry){realloc(NULL, bytes), bytes, __LINE__};
    }
    if (!entry->block)
        abort();
    memset(entry->block, 1, entry->bytes);
}

static void reallocate(struct entry *entry) {
    struct entry before = *entry;
    size_t bytes = 1 + next_random() % 3000;
    *entry = (struct entry){realloc(before.block, bytes), bytes, __LINE__};
    if (!entry->block)
        abort();
    note_freed(&before);
}

// Gives a block away, or frees one that another thread has given.
static void send_or_receive(struct entry *entry) {
    pthread_mutex_lock(&mail_lock);
    if (entry->block && mail_count < MAIL_MOST) {
        mail[mail_count++] = *entry;
        entry->block = NULL;
    } else if (!entry->block && mail_count > 0) {
        *entry = mail[--mail_count];
    }
    pthread_mutex_unlock(&mail_lock);
}

static void *work(void *number) {
    struct entry *own = held[(uintptr_t)number];
    state = seed * 1000 + (uintptr_t)number;
    for (unsigned i = 0; i < steps; i++) {
        struct entry *entry = &own[next_random() % HELD_MOST];
        unsigned what = next_random() % 8;
        if (what == 0)
            send_or_receive(entry);
        else if (!entry->block)
            allocate(entry);
        else if (what < 4)
            reallocate(entry);
        else
            release(entry);
    }
    return NULL;
}

static const char *put(FILE *out, const struct entry *entry, const char *comma) {
    if (!entry->block)
        return comma;
    fprintf(out, "%s[%" PRIuPTR ",%zu,%d]", comma, (uintptr_t)entry->block, entry->bytes,
            entry->line);
    return ",\n";
}

static void print(FILE *out) {
    const char *comma = "";
    fputs("{\"alive\": [", out);
    for (unsigned t = 0; t < THREADS_MOST; t++)
        for (unsigned i = 0; i < HELD_MOST; i++)
            comma = put(out, &held[t][i], comma);
    for (unsigned i = 0; i < mail_count; i++)
        comma = put(out, &mail[i], comma);
    fputs("],\n\"freed\": [", out);
    comma = "";
    for (unsigned i = 0; i < freed_count; i++)
        comma = put(out, &freed[i], comma);
    fputs("]}\n", out);
}

// What the parent had is not the child's: half of it is freed, and none of it printed.
static void go_on_alone(void) {
    for (unsigned t = 0; t < THREADS_MOST; t++)
        for (unsigned i = 0; i < HELD_MOST; i++) {
            if (i % 2)
                free(held[t][i].block);
            held[t][i].block = NULL;
        }
    mail_count = freed_count = 0;
    seed++;
    (void)work(0);
    FILE *out = fopen(getenv("CHILD"), "w");
    if (!out)
        abort();
    print(out);
    (void)fclose(out);
    exit(0);
}

static bool is_mode(char **argv, const char *mode) {
    return argv[4] && strcmp(argv[4], mode) == 0;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS_MOST];
    if (argc < 4)
        return 2;
    thread_count = (unsigned)atoi(argv[1]);
    steps = (unsigned)atoi(argv[2]);
    seed = (uint64_t)atoi(argv[3]);
    for (uintptr_t i = 1; i < thread_count; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            return 1;
    (void)work(0);
    if (is_mode(argv, "kill"))
        (void)kill(getpid(), SIGKILL);
    for (unsigned i = 1; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    if (is_mode(argv, "settle")) {
        for (unsigned i = 0; i < HELD_MOST; i++)
            allocate(&settled[i]);
        (void)kill(getpid(), SIGKILL);
    }
    if (is_mode(argv, "fork")) {
        pid_t child = fork();
        int status;
        if (child == 0)
            go_on_alone();
        if (waitpid(child, &status, 0) != child || status != 0)
            return 1;
    }
    print(stdout);
    return 0;
}
