// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "granule_words.h"

#include "shadow.h"

void *ms_table_once(void *place_of_table, size_t bytes) {
    void **place = place_of_table, *table = ms_acquire(place);
    void *fresh = table ? NULL : ms_sys_map_anonymous(bytes);
    if (!fresh || ms_swap_if(place, &table, fresh))
        return fresh ? fresh : table;
    ms_sys_unmap(fresh, bytes);
    return table;
}

uint64_t *ms_granule_word(uint64_t ***place_of_leaves, uintptr_t address, bool may_map) {
    const size_t leaf_bytes = 8ull << (MS_LEAF_BITS - MS_GRANULE_BITS);
    uintptr_t index = address >> MS_LEAF_BITS;
    uint64_t **table = may_map ? ms_table_once(place_of_leaves, MS_LEAF_COUNT * sizeof *table)
                               : ms_acquire(place_of_leaves);
    if (!table || index >= MS_LEAF_COUNT)
        return NULL;
    uint64_t *leaf = ms_acquire(&table[index]);
    if (!leaf && (!may_map || !(leaf = ms_table_once(&table[index], leaf_bytes))))
        return NULL;
    return leaf + ((address >> MS_GRANULE_BITS) & (leaf_bytes / sizeof *leaf - 1));
}
