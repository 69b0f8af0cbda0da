// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "arena.h"

#include "base/config.h"
#include "base/text.h"
#include "collect/overhead.h"

#include <errno.h>
#include <string.h>

enum {
    FIRST_CHUNK = 256 << 10,
    LARGEST_CHUNK = 2 << 20,
    GRANULE = 64 << 10, // chunks are multiples of every page size we know
    UNIT = MEMSCOPE_UNIT_BYTES,
};

static const uint64_t usual_reserve = 64ull << 30;

// Not on the shared page: a fork child needs them to let go of its parent's mapping.
static struct {
    char *mapping;
    uint64_t reserved_bytes;
    uint64_t mapped_bytes; // how much of it has storage
    uint64_t file_bytes;   // ... the file's; the rest is memory
    uint32_t next_base;    // kept up for fork children
    uint32_t growing;      // 1: a thread maps the next chunk
    int fd;
    struct ms_file_id id;
    char path[4096];
} arena;

static uint64_t round_up(uint64_t bytes) {
    return (bytes + GRANULE - 1) / GRANULE * GRANULE;
}

static const uint64_t least_reserve = 8ull << 20;

// As many addresses as a profile could ever want, or what `ulimit -v`, or a tool that runs the
// program, leaves.
static bool reserve(void) {
    uint64_t limit = ms_sys_address_space_limit();
    uint64_t bytes = usual_reserve;
    while (bytes > limit / 16 && bytes > least_reserve)
        bytes /= 2;
    for (; bytes >= least_reserve; bytes /= 2) {
        arena.reserved_bytes = bytes;
        if ((arena.mapping = ms_sys_reserve(bytes)))
            return true;
    }
    return false;
}

// The program may have closed our descriptor, and opened something else with its number.
static bool descriptor_is_ours(void) {
    struct ms_file_id id;
    return arena.fd >= 0 && ms_sys_file_id(arena.fd, &id) && id.device == arena.id.device &&
           id.inode == arena.id.inode;
}

static bool have_descriptor(void) {
    if (descriptor_is_ours())
        return true;
    arena.fd = ms_sys_open_existing(arena.path);
    if (descriptor_is_ours())
        return true;
    if (arena.fd >= 0)
        ms_sys_close(arena.fd);
    arena.fd = -1;
    return false;
}

static int extend_file(uint64_t from, uint64_t bytes) {
    if (!have_descriptor())
        return EBADF;
    int error = -ms_sys_allocate(arena.fd, from, bytes);
    if (error == 0 && !ms_sys_map_file(arena.mapping + from, bytes, arena.fd, from))
        error = ENOMEM;
    arena.fd = ms_sys_settle_fd(arena.fd);
    return error;
}

// Gives storage to [from, from + bytes): the file's, or memory once the file has failed.
static bool extend(uint64_t from, uint64_t bytes) {
    if (from == arena.file_bytes) {
        int error = extend_file(from, bytes);
        if (error == 0) {
            arena.file_bytes = from + bytes;
            return true;
        }
        ms_give_up(arena.path, ": the profile cannot grow: ", ms_text_error(error),
                   "; counting goes on in memory and is written at exit if it can be", NULL);
    }
    return ms_sys_allow(arena.mapping + from, bytes);
}

static void set_mapped(uint64_t bytes) {
    struct memscope_profile_header *header = (void *)arena.mapping;
    if (bytes > arena.file_bytes)
        header->flags |= MEMSCOPE_PROFILE_MEMORY_ONLY;
    arena.mapped_bytes = bytes;
    arena.next_base = ms_shared.ref_base + (uint32_t)(bytes / UNIT);
    ms_store(&ms_shared.ref_count, (uint32_t)(bytes / UNIT));
    ms_release(&header->mapped_units, bytes / UNIT);
}

// The kernel's own name of the file holds wherever the program changes its folder to.
static void remember_path(int fd, const char *path) {
    char link[32];
    struct ms_text name = ms_text_in(link, sizeof link);
    ms_text_string(&name, "/proc/self/fd/");
    ms_text_number(&name, (uint64_t)fd);
    int64_t length = ms_sys_read_link(link, arena.path, sizeof arena.path - 1);
    if (length > 0 && arena.path[0] == '/') {
        arena.path[length] = '\0';
        return;
    }
    struct ms_text text = ms_text_in(arena.path, sizeof arena.path);
    ms_text_string(&text, path);
}

static int open_mapping(uint32_t ref_base) {
    if (!reserve())
        return ENOMEM;
    if (ref_base + (arena.reserved_bytes / UNIT) > UINT32_MAX)
        arena.reserved_bytes = (uint64_t)(UINT32_MAX - ref_base) * UNIT / GRANULE * GRANULE;
    if (arena.reserved_bytes < FIRST_CHUNK)
        return EOVERFLOW;
    if (!ms_sys_file_id(arena.fd, &arena.id))
        return EIO;
    if (!extend(0, FIRST_CHUNK))
        return ENOMEM;
    ms_shared.ref_base = ref_base;
    ms_shared.units = arena.mapping - (uint64_t)ref_base * UNIT;
    ms_shared.header = (void *)arena.mapping;
    ms_shared.bias = -((uint64_t)ref_base << 32);
    ms_shared.brief_bias = ref_base < MS_BRIEF_REFS ? -(ref_base << MS_BRIEF_BITS) : 1;
    ms_shared.header->ref_base = ref_base;
    ms_shared.header->arena_end_units = MEMSCOPE_HEADER_BYTES / UNIT;
    set_mapped(FIRST_CHUNK);
    return 0;
}

int ms_arena_open(int fd, const char *path, uint32_t ref_base) {
    arena.fd = fd;
    arena.mapping = NULL;
    arena.file_bytes = 0;
    arena.mapped_bytes = 0;
    arena.growing = 0;
    remember_path(fd, path);
    int error = open_mapping(ref_base);
    if (error != 0) {
        ms_arena_forget();
        ms_sys_remove(path);
    }
    return error;
}

// What it holds stays where there is a descriptor: a hook that the fork interrupted may have looked
// at a word already that it is about to load again.
static bool let_go_of_file(void) {
    return (descriptor_is_ours() &&
            ms_sys_map_private(arena.mapping, arena.file_bytes, arena.fd)) ||
           ms_sys_hide(arena.mapping, arena.file_bytes);
}

void ms_arena_forget(void) {
    if (arena.mapping && (arena.file_bytes == 0 || let_go_of_file())) // the rest is memory
        ms_sys_unmap(arena.mapping + arena.mapped_bytes, arena.reserved_bytes - arena.mapped_bytes);
    if (descriptor_is_ours())
        ms_sys_close(arena.fd);
    arena.mapping = NULL;
    arena.fd = -1;
}

// Where the next chunk comes: another thread of the parent's may have mapped the file there
// already.
static bool hide_next_chunk(void) {
    uint64_t bytes = arena.reserved_bytes - arena.mapped_bytes;
    if (bytes > 2 * LARGEST_CHUNK)
        bytes = 2 * LARGEST_CHUNK;
    return bytes == 0 || ms_sys_hide(arena.mapping + arena.mapped_bytes, bytes);
}

// What the parent writes from now on may still show in records that it had made, but in none that
// this process makes: from the end on, all is zero.
static bool make_private(void) {
    struct memscope_profile_header *header = (void *)arena.mapping;
    if (!have_descriptor() || !ms_sys_map_private(arena.mapping, arena.file_bytes, arena.fd))
        return false;
    ms_add(&header->arena_end_units, 0u); // a write: the page is ours
    uint64_t end = ms_load(&header->arena_end_units) * UNIT, unused = round_up(end);
    if (end < arena.file_bytes)
        memset(arena.mapping + end, 0, unused - end);
    return (unused >= arena.file_bytes ||
            ms_sys_hide(arena.mapping + unused, arena.file_bytes - unused)) &&
           hide_next_chunk();
}

bool ms_arena_copy(void) {
    if (!make_private())
        return false;
    ms_sys_close(arena.fd);
    arena.fd = -1;
    arena.file_bytes = 0;
    ms_store(&arena.growing, 0u); // by a thread that is none of ours
    return true;
}

uint32_t ms_arena_next_base(void) {
    return arena.next_base;
}

static bool grow_undisturbed(uint64_t end_units) {
    struct memscope_profile_header *header = ms_shared.header;
    uint32_t idle = 0;
    while (!ms_swap_if(&arena.growing, &idle, 1u)) {
        if (ms_acquire(&header->mapped_units) >= end_units)
            return true;
        idle = 0;
        ms_sys_yield();
    }
    bool grown = true;
    uint64_t mapped = header->mapped_units * UNIT;
    while (grown && mapped < end_units * UNIT) {
        uint64_t chunk = mapped / 2 / GRANULE * GRANULE;
        if (chunk > LARGEST_CHUNK)
            chunk = LARGEST_CHUNK;
        if (chunk < end_units * UNIT - mapped)
            chunk = round_up(end_units * UNIT - mapped);
        if (chunk > arena.reserved_bytes - mapped)
            chunk = arena.reserved_bytes - mapped;
        uint64_t began = ms_sys_clock_thread_ns();
        grown = chunk > 0 && mapped + chunk >= end_units * UNIT && extend(mapped, chunk);
        ms_overhead_add_pages(ms_sys_clock_thread_ns() - began);
        if (grown)
            set_mapped(mapped += chunk);
    }
    ms_release(&arena.growing, 0u);
    return grown;
}

// One thread maps a chunk, the others wait for it. A signal handler never does (may_grow is false
// there), and none may fork meanwhile: half a chunk would be the parent's file in the child.
static bool grow_to(uint64_t end_units) {
    uint64_t before;
    ms_sys_block_signals(&before);
    bool grown = grow_undisturbed(end_units);
    ms_sys_restore_signals(before);
    return grown;
}

// Those who may grow it leave so much to handlers, for a thread's cell of events inside hooks each.
enum { HANDLERS_UNITS = 64 };

// Where the arena is full nothing is taken, so that arena_end_units always stays within what
// readers can see.
void *ms_arena_take(uint32_t units, bool may_grow, uint32_t *ref_out) {
    struct memscope_profile_header *header = ms_shared.header;
    uint64_t at = ms_load(&header->arena_end_units);
    do {
        uint64_t wanted = at + units + HANDLERS_UNITS;
        if (may_grow && wanted > ms_acquire(&header->mapped_units))
            (void)grow_to(wanted);
        if (at + units > ms_acquire(&header->mapped_units))
            return NULL;
    } while (!ms_swap_if(&header->arena_end_units, &at, at + units));
    *ref_out = ms_shared.ref_base + (uint32_t)at;
    void *place = ms_ref(*ref_out);
    const struct memscope_record record = {
        .magic = MEMSCOPE_RECORD_MAGIC, .type = MEMSCOPE_RECORD_PENDING, .units = units};
    uint64_t word; // at once: whoever walks through the records sees either all of it or nothing
    memcpy(&word, &record, sizeof word);
    ms_release((uint64_t *)place, word);
    return place;
}

void ms_arena_publish(void *record, enum memscope_record_type type) {
    ms_release(&((struct memscope_record *)record)->type, (uint8_t)type);
}

static bool write_all(int fd, const char *from, uint64_t bytes, uint64_t offset) {
    while (bytes > 0) {
        int64_t written = ms_sys_write_at(fd, from, bytes, offset);
        if (written <= 0)
            return false;
        from += written;
        offset += (uint64_t)written;
        bytes -= (uint64_t)written;
    }
    return true;
}

// No signal handler may count between the copy and the mapping of it.
static int map_copy(int fd) {
    uint64_t before;
    int error = ms_sys_allocate(fd, 0, arena.file_bytes);
    if (error != 0)
        return -error;
    ms_sys_block_signals(&before);
    if (!write_all(fd, arena.mapping, arena.file_bytes, 0))
        error = EIO;
    else if (!ms_sys_map_file(arena.mapping, arena.file_bytes, fd, 0))
        error = ENOMEM;
    ms_sys_restore_signals(before);
    return error;
}

int ms_arena_move(int fd, const char *path) {
    int error = map_copy(fd);
    if (error != 0)
        return error;
    if (have_descriptor()) {
        ms_sys_remove(arena.path);
        ms_sys_close(arena.fd);
    }
    (void)ms_sys_file_id(fd, &arena.id);
    remember_path(fd, path);
    arena.fd = ms_sys_settle_fd(fd);
    return 0;
}

void ms_arena_write_out(void) {
    struct memscope_profile_header *header = ms_shared.header;
    uint64_t used = ms_load(&header->arena_end_units) * UNIT;
    if (used <= arena.file_bytes)
        return;
    uint64_t missing = used - arena.file_bytes;
    if (have_descriptor() && used <= ms_sys_file_size_limit() &&
        write_all(arena.fd, arena.mapping + arena.file_bytes, missing, arena.file_bytes)) {
        ms_message(MS_MESSAGE_WARNING, arena.path, ": the rest of the profile was written at exit",
                   NULL);
        missing = 0;
    } else {
        ms_message(MS_MESSAGE_WARNING, arena.path,
                   ": part of the profile is lost: it never reached the file", NULL);
    }
    ms_store(&header->losses[MEMSCOPE_LOSS_memory_only_bytes], missing);
}
