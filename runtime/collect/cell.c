// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "cell.h"

#include "store/arena.h"

void ms_cell_allocate_atomic(struct memscope_cell_record *cell, uint64_t bytes) {
    uint64_t epoch = ms_epoch();
    uint64_t seen = ms_load(&cell->epoch);
    uint64_t before = ms_add(&cell->bytes, bytes);
    if (seen != epoch && ms_swap_if(&cell->epoch, &seen, epoch))
        ms_store(&cell->at_peak_bytes, before - ms_load(&cell->freed_bytes));
    ms_add(&cell->allocations, 1u);
    int64_t headroom = ms_add(&cell->headroom_bytes, -(int64_t)bytes) - (int64_t)bytes, room;
    while ((room = headroom + (int64_t)ms_load(&cell->remote_freed_bytes)) < 0 &&
           !ms_swap_if(&cell->headroom_bytes, &headroom, headroom - room))
        ;
}

struct memscope_cell_record *ms_cell_new(uint32_t site_ref, uint32_t thread_ref, uint8_t flags,
                                         bool may_grow, uint32_t *ref_out) {
    struct memscope_cell_record *cell =
        ms_arena_take(sizeof *cell / MEMSCOPE_UNIT_BYTES, may_grow, ref_out);
    if (!cell)
        return NULL;
    cell->record.flags = flags;
    cell->site_ref = site_ref;
    cell->thread_ref = thread_ref;
    ms_arena_publish(cell, MEMSCOPE_RECORD_CELL);
    return cell;
}
