// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "lookup.h"

enum { FIRST_ENTRIES = 128, PAGE = 4096 };

static void insert(struct ms_lookup *lookup, uint64_t a, uint64_t b, void *value) {
    uint64_t at = ms_lookup_start(a, b);
    while (lookup->entries[at & (lookup->count - 1)].value)
        at++;
    lookup->entries[at & (lookup->count - 1)] =
        (struct ms_lookup_entry){.a = a, .b = b, .value = value};
    lookup->used++;
}

static uint64_t table_bytes(uint64_t count) {
    return (count * sizeof(struct ms_lookup_entry) + PAGE - 1) / PAGE * PAGE;
}

static bool grow(struct ms_lookup *lookup) {
    uint64_t count = lookup->count ? lookup->count * 4 : FIRST_ENTRIES;
    struct ms_lookup_entry *entries = ms_sys_map_anonymous(table_bytes(count));
    if (!entries)
        return false;
    (void)ms_sys_wipe_on_fork(entries, table_bytes(count));
    struct ms_lookup old = *lookup;
    lookup->used = 0;
    ms_release(&lookup->entries, entries);
    ms_release(&lookup->count, count); // after the larger table, so that nobody reads past one
    for (uint64_t i = 0; i < old.count; i++)
        if (old.entries[i].value && old.entries[i].a != 0)
            insert(lookup, old.entries[i].a, old.entries[i].b, old.entries[i].value);
    return true; // the outgrown table stays mapped: ms_lookup_forget may be reading it
}

void ms_lookup_add(struct ms_lookup *lookup, uint64_t a, uint64_t b, void *value) {
    if (lookup->used >= lookup->count / 2 && !grow(lookup) && lookup->used + 1 >= lookup->count)
        return;
    insert(lookup, a, b, value);
}

static bool is_in(uint64_t word, uintptr_t start, uintptr_t end) {
    uintptr_t address = word & ~(1ull << 63);
    return address >= start && address < end;
}

void ms_lookup_forget(struct ms_lookup *lookup, uintptr_t start, uintptr_t end) {
    uint64_t count = ms_acquire(&lookup->count);
    struct ms_lookup_entry *entries = ms_acquire(&lookup->entries);
    for (uint64_t i = 0; i < count; i++)
        if (is_in(ms_load(&entries[i].a), start, end) || is_in(ms_load(&entries[i].b), start, end))
            ms_store(&entries[i].a, (uint64_t)0);
}
