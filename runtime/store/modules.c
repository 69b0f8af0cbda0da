// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "modules.h"

#include "base/shared.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

extern int _dl_find_object(void *, struct dl_find_object *) __attribute__((weak));

uint32_t ms_modules_loaded;

const char *ms_module_executable(void) {
    static char path[4096];
    if (path[0] == '\0') {
        int64_t length = ms_sys_read_link("/proc/self/exe", path, sizeof path - 1);
        if (length <= 0)
            memcpy(path, "?", 2);
    }
    return path;
}

static void copy_build_id(const char *at, const char *end, struct ms_module_facts *facts) {
    while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        const char *name = at + sizeof *note;
        const char *content = name + ((note->n_namesz + 3u) & ~3u);
        const char *next = content + ((note->n_descsz + 3u) & ~3u);
        if (next > end || next <= at)
            return;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
            note->n_descsz <= sizeof facts->build_id) {
            facts->build_id_length = note->n_descsz;
            memcpy(facts->build_id, content, note->n_descsz);
            return;
        }
        at = next;
    }
}

// Of the executable the loader may tell the code's segment alone, which does not begin with the ELF
// header: the kernel has told where the segments are.
static void find_build_id(struct ms_module_facts *facts, bool is_executable) {
    const ElfW(Ehdr) *elf = (const void *)(uintptr_t)facts->map_start;
    const ElfW(Phdr) *segment = is_executable ? (const void *)getauxval(AT_PHDR) : NULL;
    unsigned long count = segment ? getauxval(AT_PHNUM) : 0;
    if (!segment && memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0 && elf->e_phoff != 0) {
        segment = (const void *)((const char *)elf + elf->e_phoff);
        count = elf->e_phnum;
    }
    for (unsigned long i = 0; i < count && facts->build_id_length == 0; i++, segment++) {
        const char *note = (const char *)(uintptr_t)(facts->load_bias + segment->p_vaddr);
        if (segment->p_type == PT_NOTE)
            copy_build_id(note, note + segment->p_memsz, facts);
    }
}

enum { ORDINALS = 4096 };
static uintptr_t starts[ORDINALS];
static uint32_t ordinals_given;

uint32_t ms_module_ordinal(uintptr_t map_start) {
    uint32_t ordinal = ms_add(&ordinals_given, 1u) + 1;
    if (ordinal >= ORDINALS)
        return 0;
    ms_store(&starts[ordinal], map_start);
    return ordinal;
}

uintptr_t ms_module_start(uint32_t ordinal) {
    return ordinal < ORDINALS ? ms_load(&starts[ordinal]) : 0;
}

void ms_modules_restart(void) {
    ordinals_given = 0;
}

// The objects found so far. Where the table is full an object is not remembered, and code loaded in
// its place later would be taken for it: MOST is far above what programs load.
enum { MOST = 4096 };
static struct known {
    uint64_t start; // 0 = free
    uint64_t end;
} known[MOST];

static void remember(uint64_t start, uint64_t end) {
    for (unsigned i = 0; i < MOST; i++) {
        uint64_t seen = ms_load(&known[i].start);
        if (seen == start)
            return;
        if (seen == 0 && ms_swap_if(&known[i].start, &seen, start)) {
            ms_store(&known[i].end, end);
            return;
        }
    }
}

void ms_modules_forget_unloaded(void (*gone)(uintptr_t start, uintptr_t end)) {
    for (unsigned i = 0; i < MOST; i++) {
        uint64_t start = ms_load(&known[i].start);
        struct dl_find_object found;
        if (start == 0 || !_dl_find_object)
            continue;
        if (_dl_find_object((void *)(uintptr_t)start, &found) == 0 &&
            (uint64_t)(uintptr_t)found.dlfo_map_start == start)
            continue;
        gone((uintptr_t)start, (uintptr_t)ms_load(&known[i].end));
        ms_store(&known[i].start, (uint64_t)0);
    }
}

bool ms_module_range(uintptr_t address, struct ms_module_range *range_out) {
    struct dl_find_object found;
    if (!_dl_find_object ||
        _dl_find_object((void *)address, &found) != 0) // NOLINT(*-no-int-to-ptr)
        return false;
    range_out->start = (uintptr_t)found.dlfo_map_start;
    range_out->end = (uintptr_t)found.dlfo_map_end;
    return true;
}

bool ms_module_find(const void *address, struct ms_module_facts *facts_out) {
    struct dl_find_object found;
    if (!_dl_find_object || _dl_find_object((void *)(uintptr_t)address, &found) != 0)
        return false;
    memset(facts_out, 0, sizeof *facts_out);
    facts_out->map_start = (uint64_t)(uintptr_t)found.dlfo_map_start;
    facts_out->map_end = (uint64_t)(uintptr_t)found.dlfo_map_end;
    const struct link_map *map = found.dlfo_link_map;
    facts_out->load_bias = map ? map->l_addr : 0;
    bool is_executable = !map || !map->l_name || !map->l_name[0];
    facts_out->path = is_executable ? ms_module_executable() : map->l_name;
    find_build_id(facts_out, is_executable);
    remember(facts_out->map_start, facts_out->map_end);
    return true;
}
