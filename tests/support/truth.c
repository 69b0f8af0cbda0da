// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See truth.h. Compiled without instrumentation; one lock, static tables.

#define _GNU_SOURCE
#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SITES 512
#define MAX_THREADS 64
#define SLOTS ((size_t)1 << 20)

struct site {
    const char *file;
    int line;
    int partial;
    uint64_t allocations, bytes, frees, freed_bytes, peak_bytes, at_peak_bytes, temporary;
};

struct thread {
    char name[16];
    uint64_t allocations, bytes, frees, freed_bytes;
};

struct block {
    void *ptr;
    size_t size;
    uint32_t site;
    uint32_t thread;
    uint32_t generation;
};

static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct site sites[MAX_SITES];
static struct thread threads[MAX_THREADS] = {{.name = "main"}};
static uint32_t site_count, thread_count = 1;
static struct block blocks[SLOTS];
static uint64_t live_bytes, peak_live_bytes;
static uint32_t generation;
static __thread uint32_t this_thread;
static __thread void *latest; // the block of this thread's latest allocation, until it allocates

static void enter(void)
{
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        ;
}

static void leave(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

static void fail(const char *text)
{
    dprintf(2, "truth: %s\n", text);
    _exit(98);
}

static uint32_t find_site(const char *file, int line)
{
    for (uint32_t i = 0; i < site_count; ++i)
        if (sites[i].line == line && strcmp(sites[i].file, file) == 0)
            return i;
    if (site_count == MAX_SITES)
        fail("too many sites");
    sites[site_count] = (struct site){.file = file, .line = line};
    return site_count++;
}

static size_t slot_of(void *ptr)
{
    return (size_t)(((uintptr_t)ptr >> 3) * 0x9E3779B97F4A7C15u >> 24) & (SLOTS - 1);
}

static size_t find_slot(void *ptr)
{
    size_t slot = slot_of(ptr);
    for (size_t tries = 0; blocks[slot].ptr != NULL && blocks[slot].ptr != ptr; ++tries) {
        if (tries == SLOTS)
            fail("too many blocks");
        slot = (slot + 1) & (SLOTS - 1);
    }
    return slot;
}

static void remove_slot(size_t hole)
{
    for (size_t next = (hole + 1) & (SLOTS - 1); blocks[next].ptr != NULL;
         next = (next + 1) & (SLOTS - 1)) {
        size_t home = slot_of(blocks[next].ptr);
        if (((next - home) & (SLOTS - 1)) >= ((next - hole) & (SLOTS - 1))) {
            blocks[hole] = blocks[next];
            hole = next;
        }
    }
    blocks[hole].ptr = NULL;
}

static void drop(void *ptr)
{
    size_t slot = find_slot(ptr);
    if (blocks[slot].ptr == NULL)
        fail("free of a block that was never told");
    struct block block = blocks[slot];
    remove_slot(slot);
    if (block.generation != generation)
        return;
    struct site *site = &sites[block.site];
    site->frees += 1;
    site->freed_bytes += block.size;
    threads[block.thread].frees += 1;
    threads[block.thread].freed_bytes += block.size;
    if (block.thread == this_thread && latest == ptr)
        site->temporary += 1;
    live_bytes -= block.size;
}

static void add(uint32_t site_index, void *ptr, size_t size)
{
    size_t slot = find_slot(ptr);
    if (blocks[slot].ptr != NULL)
        fail("a living block was allocated again");
    blocks[slot] = (struct block){ptr, size, site_index, this_thread, generation};
    latest = ptr;
    struct site *site = &sites[site_index];
    site->allocations += 1;
    site->bytes += size;
    threads[this_thread].allocations += 1;
    threads[this_thread].bytes += size;
    if (site->bytes - site->freed_bytes > site->peak_bytes)
        site->peak_bytes = site->bytes - site->freed_bytes;
    live_bytes += size;
    if (live_bytes <= peak_live_bytes)
        return;
    peak_live_bytes = live_bytes;
    for (uint32_t i = 0; i < site_count; ++i)
        sites[i].at_peak_bytes = sites[i].bytes - sites[i].freed_bytes;
}

void *truth_alloc(const char *file, int line, void *ptr, size_t size)
{
    if (ptr == NULL)
        return NULL;
    enter();
    add(find_site(file, line), ptr, size);
    leave();
    return ptr;
}

void *truth_realloc(const char *file, int line, void *old_ptr, void *new_ptr, size_t size)
{
    enter();
    uint32_t site = find_site(file, line);
    if (old_ptr != NULL && (new_ptr != NULL || size == 0))
        drop(old_ptr);
    if (new_ptr != NULL)
        add(site, new_ptr, size);
    leave();
    return new_ptr;
}

void *truth_live(const char *file, int line, void *ptr, size_t size)
{
    enter();
    uint32_t site = find_site(file, line);
    sites[site].partial = 1;
    add(site, ptr, size);
    latest = NULL;
    leave();
    return ptr;
}

void *truth_free(void *ptr)
{
    if (ptr == NULL)
        return NULL;
    enter();
    drop(ptr);
    latest = latest == ptr ? NULL : latest;
    leave();
    return ptr;
}

int truth_errno(void)
{
    return errno;
}

void truth_thread(const char *name)
{
    enter();
    uint32_t i = 0;
    while (i < thread_count && strcmp(threads[i].name, name) != 0)
        ++i;
    if (i == MAX_THREADS)
        fail("too many thread names");
    if (i == thread_count)
        snprintf(threads[thread_count++].name, sizeof threads[0].name, "%s", name);
    this_thread = i;
    leave();
}

void truth_begin_child(void)
{
    leave();
    ++generation;
    memset(sites, 0, sizeof sites);
    site_count = 0;
    memset(threads, 0, sizeof threads);
    memcpy(threads[0].name, "main", 5);
    thread_count = 1;
    this_thread = 0;
    latest = NULL;
    live_bytes = peak_live_bytes = 0;
}

static char text[1 << 17];
static size_t text_length;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_length += (size_t)vsnprintf(text + text_length, sizeof text - text_length, format,
                                     arguments);
    va_end(arguments);
    if (text_length >= sizeof text)
        fail("too much to say");
}

static int open_output(void)
{
    const char *prefix = getenv("TRUTH_OUT");
    if (prefix == NULL)
        return 1;
    int fd = -1;
    for (int turn = 0; fd < 0 && turn < 9; ++turn) {
        char path[4096];
        snprintf(path, sizeof path, turn ? "%s.%d.%d" : "%s.%d", prefix, (int)getpid(), turn);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    if (fd < 0)
        fail("cannot create the file $TRUTH_OUT names");
    return fd;
}

void truth_print(void)
{
    enter();
    text_length = 0;
    say("{\"pid\":%d,\"peak_live_bytes\":%llu,\"live_bytes\":%llu,\"sites\":[", (int)getpid(),
        (unsigned long long)peak_live_bytes, (unsigned long long)live_bytes);
    for (uint32_t i = 0; i < site_count; ++i) {
        struct site *s = &sites[i];
        say("%s{\"file\":\"%s\",\"line\":%d,\"partial\":%s,\"allocations\":%llu,\"bytes\":%llu,"
            "\"frees\":%llu,\"live_bytes\":%llu,\"peak_bytes\":%llu,\"at_peak_bytes\":%llu,"
            "\"temporary\":%llu}",
            i ? ",\n" : "\n", s->file, s->line, s->partial ? "true" : "false",
            (unsigned long long)s->allocations, (unsigned long long)s->bytes,
            (unsigned long long)s->frees, (unsigned long long)(s->bytes - s->freed_bytes),
            (unsigned long long)s->peak_bytes, (unsigned long long)s->at_peak_bytes,
            (unsigned long long)s->temporary);
    }
    say("],\n\"threads\":[");
    for (uint32_t i = 0; i < thread_count; ++i) {
        struct thread *t = &threads[i];
        say("%s{\"name\":\"%s\",\"allocations\":%llu,\"bytes\":%llu,\"live_bytes\":%llu}",
            i ? ",\n" : "\n", t->name, (unsigned long long)t->allocations,
            (unsigned long long)t->bytes, (unsigned long long)(t->bytes - t->freed_bytes));
    }
    say("]}\n");
    int fd = open_output();
    if (write(fd, text, text_length) != (ssize_t)text_length)
        fail("cannot write");
    leave();
}
