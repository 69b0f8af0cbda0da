// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The witness: an independent counter of the malloc family, preloaded into a plain build of a test
// program. It shares no code with the runtime. Every figure stands in a mapped file from the first
// event, so that the window is the same as the runtime's: from the first interposed call to the end
// of the process, however it ends. One lock, one table, real functions by their glibc names.
//
// MS_WITNESS names the file's prefix; each process writes <prefix>.<pid>.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_valloc(size_t size);
void *__libc_pvalloc(size_t size);
void __libc_free(void *ptr);

// The file: eight words, in this order (support/harness.sh reads them by place).
struct figures {
    uint64_t allocations;
    uint64_t bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t peak_live_bytes;
    uint64_t failed;
    uint64_t inherited_frees;
    uint64_t unknown_frees;
};

struct block {
    uintptr_t address; // 0 = free slot
    uint64_t bytes : 48;
    uint64_t generation : 16; // which fork in a row allocated it
};

#define SLOTS ((size_t)1 << 23)

static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct figures *figures;
static struct block *blocks;
static uint32_t *process_mark; // wiped by fork: a child finds 0
static uint32_t generation;

static void die(const char *text)
{
    ssize_t ignored = write(2, text, strlen(text));
    (void)ignored;
    _exit(99);
}

// `environ` is not yet set when ld.so makes its first interposed call.
static void read_prefix(char *out, size_t out_bytes)
{
    static char environment[1 << 17];
    int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got;
    while (fd >= 0 && (got = read(fd, environment + length, sizeof environment - 1 - length)) > 0)
        length += (size_t)got;
    close(fd);
    for (size_t at = 0; at < length; at += strlen(environment + at) + 1) {
        if (strncmp(environment + at, "MS_WITNESS=", 11) == 0) {
            snprintf(out, out_bytes, "%s", environment + at + 11);
            return;
        }
    }
    die("witness: MS_WITNESS is not set\n");
}

static void *map_private(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        die("witness: no memory\n");
    return memory;
}

static void begin_process(void)
{
    char prefix[3800];
    char path[4096];
    if (process_mark == NULL) {
        process_mark = map_private(4096);
        madvise(process_mark, 4096, MADV_WIPEONFORK);
        blocks = map_private(SLOTS * sizeof *blocks);
    }
    read_prefix(prefix, sizeof prefix);
    // A second program of the same pid (exec) gets a name of its own.
    int fd = -1;
    for (int turn = 0; fd < 0 && turn < 100; ++turn) {
        snprintf(path, sizeof path, turn ? "%s.%d.%d" : "%s.%d", prefix, (int)getpid(), turn);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    if (fd < 0 || ftruncate(fd, sizeof *figures) != 0)
        die("witness: cannot create its file\n");
    figures = mmap(NULL, sizeof *figures, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (figures == MAP_FAILED)
        die("witness: cannot map its file\n");
    close(fd);
    ++generation;
    *process_mark = 1;
}

static void enter(void)
{
    if (process_mark != NULL && *process_mark == 0) // a child: the lock's holder may be gone
        atomic_flag_clear(&lock);
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        ;
    if (process_mark == NULL || *process_mark == 0)
        begin_process();
}

static void leave(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

static size_t slot_of(uintptr_t address)
{
    return (size_t)((address >> 3) * 0x9E3779B97F4A7C15u >> 20) & (SLOTS - 1);
}

static void add_block(void *ptr, size_t bytes)
{
    size_t slot = slot_of((uintptr_t)ptr);
    for (size_t tries = 0; blocks[slot].address != 0; slot = (slot + 1) & (SLOTS - 1))
        if (++tries == SLOTS)
            die("witness: its table is full\n");
    blocks[slot] = (struct block){(uintptr_t)ptr, bytes, generation};
    figures->allocations += 1;
    figures->bytes += bytes;
    uint64_t live_bytes = figures->bytes - figures->freed_bytes;
    if (live_bytes > figures->peak_live_bytes)
        figures->peak_live_bytes = live_bytes;
}

static void remove_slot(size_t hole)
{
    size_t next = hole;
    for (;;) {
        next = (next + 1) & (SLOTS - 1);
        if (blocks[next].address == 0)
            break;
        size_t home = slot_of(blocks[next].address);
        if (((next - home) & (SLOTS - 1)) >= ((next - hole) & (SLOTS - 1))) {
            blocks[hole] = blocks[next];
            hole = next;
        }
    }
    blocks[hole].address = 0;
}

static void drop_block(void *ptr)
{
    size_t slot = slot_of((uintptr_t)ptr);
    while (blocks[slot].address != 0 && blocks[slot].address != (uintptr_t)ptr)
        slot = (slot + 1) & (SLOTS - 1);
    if (blocks[slot].address == 0) {
        figures->unknown_frees += 1;
        return;
    }
    if (blocks[slot].generation != (generation & 0xFFFF)) {
        figures->inherited_frees += 1;
    } else {
        figures->frees += 1;
        figures->freed_bytes += blocks[slot].bytes;
    }
    remove_slot(slot);
}

static void *counted(void *ptr, size_t bytes)
{
    int error = errno;
    if (ptr != NULL)
        add_block(ptr, bytes);
    else
        figures->failed += 1;
    leave();
    errno = error;
    return ptr;
}

EXPORT void *malloc(size_t size)
{
    enter();
    return counted(__libc_malloc(size), size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    enter();
    return counted(__libc_calloc(count, size), count * size);
}

static void *resize(void *old, size_t size)
{
    if (old == NULL)
        return counted(__libc_realloc(old, size), size);
    void *ptr = __libc_realloc(old, size);
    if (ptr == NULL && size != 0) {
        figures->failed += 1;
        leave();
        return NULL;
    }
    int error = errno;
    drop_block(old);
    if (ptr != NULL)
        add_block(ptr, size);
    leave();
    errno = error;
    return ptr;
}

EXPORT void *realloc(void *old, size_t size)
{
    enter();
    return resize(old, size);
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    enter();
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return counted(NULL, 0);
    }
    return resize(old, bytes);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
    enter();
    return counted(__libc_memalign(alignment, size), size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    enter();
    return counted(__libc_memalign(alignment, size), size);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    int error = errno;
    enter();
    void *ptr = NULL;
    int result = EINVAL;
    if (alignment >= sizeof(void *) && (alignment & (alignment - 1)) == 0) {
        ptr = __libc_memalign(alignment, size);
        result = ptr == NULL ? ENOMEM : 0;
    }
    if (counted(ptr, size) != NULL)
        *out = ptr;
    errno = error;
    return result;
}

EXPORT void *valloc(size_t size)
{
    enter();
    return counted(__libc_valloc(size), size);
}

EXPORT void *pvalloc(size_t size)
{
    enter();
    return counted(__libc_pvalloc(size), size);
}

EXPORT void free(void *ptr)
{
    if (ptr == NULL)
        return;
    int error = errno;
    enter();
    drop_block(ptr); // before the real free: then nobody else can have been given the address
    leave();
    __libc_free(ptr);
    errno = error;
}
