// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stack witness: preloaded into a test program, it unwinds the whole stack at every allocation
// by libunwind and sums up (stack -> calls, bytes). It shares no code with the runtime.
//
// At exit each process writes <$MS_WITNESS>.<pid>, a line a stack: calls, bytes, "cut" or "-", and
// the return addresses as module+0xoffset, innermost first, as contexts_of prints them. Left out is
// what libc puts below a thread's or the program's first function. $MS_DEPTH cuts (default 64).

#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <libunwind.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define DEEPEST 2048
#define SLOTS ((size_t)1 << 20)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

struct stack {
    uint64_t calls, bytes, hash;
    uint32_t count; // return addresses; 0 = free slot
    bool cut;
    void **frames;
};

static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct stack *stacks;
static void **arena, **arena_end;
static int depth = 64;
static __thread int inside __attribute__((tls_model("initial-exec")));

static void die(const char *text)
{
    ssize_t ignored = write(2, text, strlen(text));
    (void)ignored;
    _exit(99);
}

static void *map_private(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        die("stack witness: no memory\n");
    return memory;
}

static void **keep(void **frames, size_t count)
{
    if ((size_t)(arena_end - arena) < count) {
        arena = map_private((size_t)1 << 24);
        arena_end = arena + ((size_t)1 << 24) / sizeof *arena;
    }
    memcpy(arena, frames, count * sizeof *frames);
    arena += count;
    return arena - count;
}

// ---- modules -----------------------------------------------------------------------------------

struct module {
    uintptr_t address, bias;
    char name[256];
    bool found;
};

static int look(struct dl_phdr_info *info, size_t size, void *what)
{
    struct module *module = what;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD ||
            module->address - info->dlpi_addr - part->p_vaddr >= part->p_memsz)
            continue;
        char executable[4096];
        const char *path = info->dlpi_name;
        ssize_t length;
        if (path[0] == 0 &&
            (length = readlink("/proc/self/exe", executable, sizeof executable - 1)) > 0) {
            executable[length] = 0;
            path = executable;
        }
        const char *slash = strrchr(path, '/');
        snprintf(module->name, sizeof module->name, "%.255s", slash ? slash + 1 : path);
        module->bias = info->dlpi_addr;
        return module->found = true;
    }
    return 0;
}

static struct module module_of(const void *address)
{
    struct module module = {.address = (uintptr_t)address - 1};
    dl_iterate_phdr(look, &module);
    return module;
}

// ---- stacks ------------------------------------------------------------------------------------

static bool is_of(const void *address, const char *name)
{
    return strncmp(module_of(address).name, name, strlen(name)) == 0;
}

// The outermost frames that are nobody's: _start and what called main, or clone and start_thread.
static size_t without_start(void **frames, size_t count)
{
    size_t libc = 2;
    if (count && (uintptr_t)frames[count - 1] - getauxval(AT_ENTRY) < 64) // _start
        count--;
    else if (count && is_of(frames[count - 1], "ld-linux"))
        libc = 3;
    for (; libc && count > 1; libc--, count--)
        if (!is_of(frames[count - 1], "libc.so.6") && !is_of(frames[count - 1], "ld-linux"))
            break;
    return count;
}

static void add(size_t bytes, const void *own_frame)
{
    static void *all[DEEPEST]; // under the lock: some stacks are small
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        ;
    int got = unw_backtrace(all, DEEPEST);
    int first = 0;
    while (first < got && all[first] != own_frame)
        first++;
    if (first == got)
        die("stack witness: the caller is not on the stack\n");
    void **frames = all + first;
    size_t count = (size_t)(got - first);
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ (uintptr_t)frames[i]) * 0x9E3779B97F4A7C15u;
    if (!stacks)
        stacks = map_private(SLOTS * sizeof *stacks);
    size_t slot = (hash >> 40) & (SLOTS - 1);
    for (size_t tries = 0; stacks[slot].calls; slot = (slot + 1) & (SLOTS - 1)) {
        if (stacks[slot].hash == hash && stacks[slot].count == count &&
            memcmp(stacks[slot].frames, frames, count * sizeof *frames) == 0)
            break;
        if (++tries == SLOTS)
            die("stack witness: its table is full\n");
    }
    if (!stacks[slot].calls)
        stacks[slot] = (struct stack){.hash = hash, .count = (uint32_t)count,
                                      .frames = keep(frames, count)};
    stacks[slot].calls += 1;
    stacks[slot].bytes += bytes;
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

// What calls sigreturn: __restore_rt. It was not called, nor was what comes next: that is where a
// signal came, told as a return address, one byte further.
static bool is_handlers_return(const void *address)
{
    return memcmp(address, "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05", 9) == 0;
}

static void write_stack(FILE *out, struct stack *stack)
{
    size_t count = without_start(stack->frames, stack->count);
    bool cut = count > (size_t)depth;
    fprintf(out, "%lu %lu %s ", stack->calls, stack->bytes, cut ? "cut" : "-");
    for (size_t i = 0; i < (cut ? (size_t)depth : count); i++) {
        struct module module = module_of(stack->frames[i]);
        uintptr_t address = (uintptr_t)stack->frames[i];
        address += i > 0 && is_handlers_return(stack->frames[i - 1]);
        fprintf(out, i ? ";%s+0x%lx" : "%s+0x%lx", module.found ? module.name : "?",
                address - (module.found ? module.bias : 0));
    }
    fputc('\n', out);
}

__attribute__((destructor)) static void write_all(void)
{
    inside++;
    const char *prefix = getenv("MS_WITNESS");
    if (getenv("MS_DEPTH"))
        depth = atoi(getenv("MS_DEPTH"));
    char path[4096];
    snprintf(path, sizeof path, "%s.%d", prefix ? prefix : "stacks", (int)getpid());
    FILE *out = fopen(path, "w");
    if (!out)
        die("stack witness: cannot write its file\n");
    for (size_t i = 0; stacks && i < SLOTS; i++)
        if (stacks[i].calls)
            write_stack(out, &stacks[i]);
    if (fclose(out) != 0)
        die("stack witness: cannot write its file\n");
    inside--;
}

// ---- the malloc family -------------------------------------------------------------------------

static void note(const void *block, size_t bytes, const void *return_address)
{
    if (!block || inside)
        return;
    int error = errno;
    inside++;
    add(bytes, return_address);
    inside--;
    errno = error;
}

#define NOTED(call, bytes)                                                                         \
    void *block = (call);                                                                          \
    note(block, (bytes), __builtin_return_address(0));                                             \
    return block

EXPORT void *malloc(size_t size) { NOTED(__libc_malloc(size), size); }
EXPORT void *calloc(size_t count, size_t size) { NOTED(__libc_calloc(count, size), count * size); }
EXPORT void *realloc(void *old, size_t size) { NOTED(__libc_realloc(old, size), size); }
EXPORT void *memalign(size_t by, size_t size) { NOTED(__libc_memalign(by, size), size); }
EXPORT void *aligned_alloc(size_t by, size_t size) { NOTED(__libc_memalign(by, size), size); }

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    NOTED(__libc_realloc(old, bytes), bytes);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *block = __libc_memalign(alignment, size);
    note(block, size, __builtin_return_address(0));
    *out = block ? block : *out;
    return block ? 0 : ENOMEM;
}

// operator new is one event, whoever serves it.
static void *by_new(size_t size, size_t alignment, const void *return_address)
{
    inside++;
    void *block = alignment ? __libc_memalign(alignment, size) : __libc_malloc(size ? size : 1);
    inside--;
    if (!block)
        die("stack witness: operator new fails\n");
    note(block, size, return_address);
    return block;
}

#define NEW(symbol, parameters, alignment)                                                         \
    EXPORT void *symbol parameters { return by_new(size, alignment, __builtin_return_address(0)); }

NEW(_Znwm, (size_t size), 0)
NEW(_Znam, (size_t size), 0)
NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow __attribute__((unused))), 0)
NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow __attribute__((unused))), 0)
NEW(_ZnwmSt11align_val_t, (size_t size, size_t by), by)
NEW(_ZnamSt11align_val_t, (size_t size, size_t by), by)
