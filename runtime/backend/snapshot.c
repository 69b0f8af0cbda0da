// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "snapshot.h"

#include <memscope/profile_blocks.h>
#include <string.h>

enum { FIRST_UNIT = MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES };

struct ms_walk ms_walk_begin(void) {
    return (struct ms_walk){.next = FIRST_UNIT,
                            .end = ms_acquire(&ms_shared.header->arena_end_units)};
}

static const void *at_unit(uint64_t unit) {
    return (const char *)ms_shared.header + unit * MEMSCOPE_UNIT_BYTES;
}

// The head of the record at `unit`, which a writer may be about to store; 0 = he has not yet.
MS_READS_LIVE static struct memscope_record head_at(uint64_t unit) {
    enum { TURNS = 64 };
    struct memscope_record head;
    uint64_t word = 0;
    for (unsigned turn = 0; turn < TURNS && word == 0; turn++) {
        if (turn > 0)
            ms_sys_yield();
        word = ms_acquire((const uint64_t *)at_unit(unit)); // pairs with ms_arena_take and publish
    }
    memcpy(&head, &word, sizeof head);
    return head;
}

const void *ms_walk_next(struct ms_walk *walk, uint8_t type) {
    while (walk->next < walk->end) {
        walk->unit = (uint32_t)walk->next;
        walk->head = head_at(walk->unit);
        if (walk->head.magic != MEMSCOPE_RECORD_MAGIC || walk->head.units == 0) {
            walk->next++;
            continue;
        }
        walk->next += walk->head.units;
        if (type == 0 || walk->head.type == type)
            return at_unit(walk->unit);
    }
    return NULL;
}

// ---- cells -------------------------------------------------------------------------------------

MS_READS_LIVE static void read_pair(const uint64_t *count, const uint64_t *bytes,
                                    uint64_t *count_out, uint64_t *bytes_out) {
    enum { TURNS = 1000 };
    uint64_t before, after = ms_acquire(count);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        before = after;
        *bytes_out = ms_acquire(bytes);
        after = ms_acquire(count);
        if (before == after)
            break;
    }
    *count_out = after;
}

static struct memscope_session_totals read_cell(const struct memscope_cell_record *cell,
                                                struct memscope_record head) {
    struct memscope_session_totals counts;
    uint64_t frees, freed_bytes;
    read_pair(&cell->remote_frees, &cell->remote_freed_bytes, &frees, &freed_bytes);
    read_pair(&cell->frees, &cell->freed_bytes, &counts.frees, &counts.freed_bytes);
    counts.frees += frees;
    counts.freed_bytes += freed_bytes;
    struct memscope_cell_record own = {.record = head};
    read_pair(&cell->count_word, &cell->bytes, &own.count_word, &counts.bytes);
    counts.allocations = memscope_cell_allocations(&own);
    return counts;
}

static void add(struct memscope_session_totals *sum, const struct memscope_session_totals *counts) {
    sum->allocations += counts->allocations;
    sum->bytes += counts->bytes;
    sum->frees += counts->frees;
    sum->freed_bytes += counts->freed_bytes;
}

uint64_t ms_snapshot_cells_most(void) {
    const uint64_t cell_units = sizeof(struct memscope_cell_record) / MEMSCOPE_UNIT_BYTES;
    return ms_acquire(&ms_shared.header->arena_end_units) / cell_units;
}

uint64_t ms_snapshot_start(struct ms_cell_start *cells, uint64_t most,
                           struct memscope_session_totals *sum_out) {
    struct ms_walk walk = ms_walk_begin();
    struct memscope_session_totals sum = {0};
    const struct memscope_cell_record *cell;
    uint64_t count = 0;
    while ((cell = ms_walk_next(&walk, MEMSCOPE_RECORD_CELL))) {
        struct memscope_session_totals counts = read_cell(cell, walk.head);
        add(&sum, &counts);
        if (count < most && counts.allocations > 0)
            cells[count++] = (struct ms_cell_start){.unit = walk.unit, .counts = counts};
    }
    *sum_out = sum;
    return count;
}

static uint64_t above(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

static uint64_t less(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// How many of a cell's frees were of what was alive at the start: not those that what was allocated
// since can account for, and no more than were alive.
static void bound_earlier(uint64_t allocated, uint64_t freed, uint64_t alive_before,
                          uint64_t *least_out, uint64_t *most_out) {
    *most_out = less(freed, alive_before);
    *least_out = less(above(freed, allocated), *most_out);
}

static void add_earlier(const struct memscope_session_totals *start,
                        const struct memscope_session_totals *now, struct ms_interval *interval) {
    uint64_t frees = above(now->frees, start->frees), least, most;
    uint64_t freed_bytes = above(now->freed_bytes, start->freed_bytes), least_bytes, most_bytes;
    bound_earlier(now->allocations - start->allocations, frees,
                  above(start->allocations, start->frees), &least, &most);
    bound_earlier(now->bytes - start->bytes, freed_bytes, above(start->bytes, start->freed_bytes),
                  &least_bytes, &most_bytes);
    if (most == 0)
        least_bytes = most_bytes = 0;
    if (least == frees)
        least_bytes = most_bytes = freed_bytes;
    interval->earlier_frees += least;
    interval->earlier_frees_error += most - least;
    interval->earlier_freed_bytes += least_bytes;
    interval->earlier_freed_bytes_error += most_bytes - least_bytes;
}

void ms_snapshot_now(const struct ms_cell_start *cells, uint64_t count,
                     struct ms_interval *interval_out) {
    struct ms_walk walk = ms_walk_begin();
    struct ms_interval interval = {0};
    const struct memscope_cell_record *cell;
    uint64_t next = 0;
    while ((cell = ms_walk_next(&walk, MEMSCOPE_RECORD_CELL))) {
        struct memscope_session_totals counts = read_cell(cell, walk.head);
        add(&interval.now, &counts);
        while (next < count && cells[next].unit < walk.unit)
            next++;
        if (next < count && cells[next].unit == walk.unit)
            add_earlier(&cells[next].counts, &counts, &interval);
    }
    *interval_out = interval;
}

// ---- the whole profile -------------------------------------------------------------------------

// The last words first: in every record what is freed stands behind what was allocated.
MS_READS_LIVE static void copy_words(uint64_t *to, const uint64_t *from, size_t bytes) {
    for (size_t i = bytes / sizeof *to; i-- > 0;)
        to[i] = ms_acquire(&from[i]);
}

// A kept block whose record went to another one meanwhile is left out.
MS_READS_LIVE static void check_block(struct memscope_block_record *copied,
                                      const struct memscope_block_record *block) {
    if (ms_acquire(&block->record.flags) != copied->record.flags ||
        ms_acquire(&block->allocated_ns) != copied->allocated_ns ||
        ms_acquire(&block->order) != copied->order)
        copied->record.flags = MEMSCOPE_BLOCK_SPARE;
}

static void copy_record(char *copy, const void *from, const struct ms_walk *walk) {
    void *to = copy + (uint64_t)walk->unit * MEMSCOPE_UNIT_BYTES;
    uint64_t bytes = (uint64_t)walk->head.units * MEMSCOPE_UNIT_BYTES;
    memcpy(to, &walk->head, sizeof walk->head);
    copy_words((uint64_t *)to + 1, (const uint64_t *)from + 1, bytes - sizeof walk->head);
    if (walk->head.type == MEMSCOPE_RECORD_BLOCK && walk->head.flags != MEMSCOPE_BLOCK_TOTALS)
        check_block(to, from);
    if (walk->head.type != MEMSCOPE_RECORD_CELL)
        return;
    const struct memscope_cell_record *cell = from;
    struct memscope_cell_record *copied = to;
    read_pair(&cell->remote_frees, &cell->remote_freed_bytes, &copied->remote_frees,
              &copied->remote_freed_bytes);
    read_pair(&cell->frees, &cell->freed_bytes, &copied->frees, &copied->freed_bytes);
    read_pair(&cell->count_word, &cell->bytes, &copied->count_word, &copied->bytes);
}

// A record that is copied may name one that was taken later: on until no more are there, or, where
// the program takes them as fast, up to what there is room for. Returns where they end by now.
static uint64_t copy_records(char *copy, uint64_t room_units) {
    struct ms_walk walk = ms_walk_begin();
    for (;;) {
        const void *from;
        while ((from = ms_walk_next(&walk, 0)))
            if (walk.next <= room_units)
                copy_record(copy, from, &walk);
        uint64_t end = ms_acquire(&ms_shared.header->arena_end_units);
        if (end == walk.end || end > room_units)
            return end;
        walk.end = end;
    }
}

// Once the records are there: the header's totals are no older.
static void copy_header(struct memscope_profile_header *copy, uint64_t end_units,
                        uint64_t stored_units) {
    void *to = copy;
    const void *from = ms_shared.header;
    copy_words(to, from, sizeof *copy);
    copy->arena_end_units = end_units;
    copy->mapped_units = stored_units;
    copy->flags = (copy->flags & ~MEMSCOPE_PROFILE_MEMORY_ONLY) | MEMSCOPE_PROFILE_COPY;
    copy->end_monotonic_ns = ms_sys_clock_monotonic_ns();
}

static const uint64_t granule = 65536; // a multiple of every page size we know

static uint64_t round_up(uint64_t bytes) {
    return (bytes + granule - 1) / granule * granule;
}

bool ms_snapshot_copy(void **bytes_out, size_t *count_out) {
    const uint64_t growth = 4 << 20;
    uint64_t end = ms_acquire(&ms_shared.header->arena_end_units);
    uint64_t room = round_up(end * MEMSCOPE_UNIT_BYTES + growth);
    char *copy = ms_sys_map_anonymous(room);
    if (!copy)
        return false;
    end = copy_records(copy, room / MEMSCOPE_UNIT_BYTES);
    uint64_t stored = end * MEMSCOPE_UNIT_BYTES < room ? end : room / MEMSCOPE_UNIT_BYTES;
    copy_header((void *)copy, end, stored);
    *bytes_out = copy;
    *count_out = stored * MEMSCOPE_UNIT_BYTES;
    uint64_t kept = round_up(*count_out);
    if (kept < room)
        ms_sys_unmap(copy + kept, room - kept);
    return true;
}

void ms_snapshot_free(void *bytes, size_t count) {
    ms_sys_unmap(bytes, round_up(count));
}
