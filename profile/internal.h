// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the files of profile/ share. Nobody else includes it.

#ifndef MEMSCOPE_PROFILE_INTERNAL_H
#define MEMSCOPE_PROFILE_INTERNAL_H

#include "profile.h"
#include "tasks.h"

#include <memscope/profile_sampling.h>

#define MS_FIRST_UNIT (MEMSCOPE_HEADER_BYTES / MEMSCOPE_UNIT_BYTES)

// In `types`, beside enum memscope_record_type.
#define MS_TYPE_NONE 0 // the inside of a record, a gap, or damage

// Data is kept in chunks; where a file has nothing but zeros no memory is touched, not even to read
// (that may cost a page, too). Memory so is bounded by what the file truly holds.
#define MS_CHUNK_BYTES 65536u
#define MS_CHUNK_UNITS (MS_CHUNK_BYTES / MEMSCOPE_UNIT_BYTES)

struct ms_profile {
    char *path;
    dev_t device;
    ino_t inode;       // 0 = from memory
    uint8_t *data;     // mapped, zero where the file has holes; see `filled`
    size_t data_bytes; // a multiple of the unit
    uint32_t end_unit; // of what was read
    uint8_t *filled;   // one per MS_CHUNK_BYTES of data: 0 = never written, not to be touched
    uint8_t *types;    // one per unit: the type of the sound record that begins there
    struct memscope_profile_header header;
    struct ms_profile_health health;
    char damage[160];
};

// Units from MS_FIRST_UNIT to end_unit: finds the records, checks each by itself.
void ms_scan_records(struct ms_profile *profile);
// Checks that each ref names a record of the right type.
void ms_check_refs(struct ms_profile *profile);
// Counts a damaged place; keeps the words about the first.
void ms_note_damage(struct ms_profile *profile, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline const struct memscope_record *ms_at(const struct ms_profile *profile, uint32_t unit) {
    return (const void *)(profile->data + (size_t)unit * MEMSCOPE_UNIT_BYTES);
}

// The unit a ref names if a sound record of `type` begins there, else 0.
static inline uint32_t ms_unit_of(const struct ms_profile *profile, uint32_t ref, uint8_t type) {
    if (ref <= profile->header.ref_base)
        return 0;
    uint32_t unit = ref - profile->header.ref_base;
    return unit < profile->end_unit && profile->types[unit] == type ? unit : 0;
}

static inline bool ms_is_filled(const struct ms_profile *profile, uint32_t unit) {
    return profile->filled[unit / MS_CHUNK_UNITS] != 0;
}

static inline uint64_t ms_add(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t ms_sub(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

static inline uint64_t ms_max(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

// The site records of a profile, sorted so that equal places stand together.
struct ms_site_key {
    uint32_t unit;     // of the site record
    uint32_t function; // equal text = equal number, 0 = none
    uint32_t file;
    uint32_t module; // equal build id (or path, without one) = equal number
};

// For each unit: strings and modules get the unit of the first record with equal content, the rest
// 0. To be freed. NULL = out of memory.
uint32_t *ms_canonical_units(const struct ms_profile *profile);
void ms_sort_sites(const struct ms_profile *profile, const uint32_t *canonical,
                   struct ms_site_key *keys, size_t count);
bool ms_same_site(const struct ms_profile *profile, const uint32_t *canonical,
                  const struct ms_site_key *a, const struct ms_site_key *b);

// Sets user_depth of every site, and summary->files. OK or OUT_OF_MEMORY.
memscope_status ms_find_user_frames(struct ms_summary *summary);

void ms_count_cell(const struct memscope_cell_record *cell, uint64_t peak_epoch,
                   struct ms_counts *counts_out);
// Adds all but the peak; of peaks adds up what both bounds need.
struct ms_peak_bounds {
    uint64_t cells, largest, sum;
};
void ms_counts_add(struct ms_counts *into, const struct ms_counts *cell,
                   struct ms_peak_bounds *bounds);
void ms_counts_bound_peak(struct ms_counts *counts, const struct ms_peak_bounds *bounds);

// --- estimates ---------------------------------------------------------------------------------

static inline bool ms_cell_is_sampled(const struct memscope_cell_record *cell) {
    return (cell->record.flags & MEMSCOPE_CELL_SAMPLED) != 0;
}

// Of a sampled cell.
static inline const struct memscope_cell_sample *
ms_cell_sample_of(const struct memscope_cell_record *cell) {
    return (const void *)(cell + 1);
}

// What a sampled cell stands for.
struct ms_estimate {
    uint32_t unit; // of the cell record; they ascend
    struct ms_counts counts;
};

// What rounding has taken from the cells of a site so far; all 0 at first.
struct ms_estimate_carry {
    double frees, freed_bytes, live_allocations, live_bytes, at_peak_bytes, temporary;
};

void ms_estimate_cell(const struct memscope_cell_sample *sample, const struct ms_counts *counts,
                      struct ms_estimate_carry *carry, struct ms_counts *estimate_out);
// What the cell is to its site, its context and its type: its counts, or an estimate; false =
// nothing. Once the summary has its cells.
bool ms_cell_share(const struct ms_summary *summary, uint32_t unit, struct ms_counts *share_out);

// --- tasks -------------------------------------------------------------------------------------

// While the tasks of a summary are made.
struct ms_task_work {
    const struct ms_profile *profile;
    const struct ms_summary *summary; // its sites and threads are there
    struct ms_tasks *tasks;
    const uint32_t *canonical;
    uint32_t *place; // by unit: index + 1 into sites, threads, classes or tasks
};

// The tasks of a summary whose cells are summed up. Sites may still move by one afterwards: see
// ms_tasks_shift_sites. OK or OUT_OF_MEMORY.
memscope_status ms_tasks_create(struct ms_summary *summary, const uint32_t *canonical,
                                uint32_t *place);
void ms_tasks_shift_sites(struct ms_tasks *tasks);
void ms_tasks_destroy(struct ms_tasks *tasks);

// Parts of the above; false = out of memory.
bool ms_take_task_classes(struct ms_task_work *work);
bool ms_take_task_folds(struct ms_task_work *work);
bool ms_take_transfers(struct ms_task_work *work);

static inline size_t ms_place_of(const struct ms_task_work *work, uint32_t ref, uint8_t type) {
    return work->place[ms_unit_of(work->profile, ref, type)];
}

// --- symbols -----------------------------------------------------------------------------------

// NULL = out of memory. What it holds: symbols.h.
struct ms_symbols *ms_symbols_create(void);
void ms_symbols_destroy(struct ms_symbols *symbols);

// llvm-symbolizer as a process that is asked again and again. `program` as in ms_resolve_options.
// NULL = there is none.
struct ms_symbolizer *ms_symbolizer_start(const char *program);
void ms_symbolizer_stop(struct ms_symbolizer *symbolizer);
// The answer to one question, a line of JSON that holds until the next question; "" = the path is
// none that can be asked for, NULL = no answer came until `deadline_ns` (CLOCK_MONOTONIC).
// `address` is the file's virtual address.
const char *ms_symbolizer_ask(struct ms_symbolizer *symbolizer, const char *path, uint64_t address,
                              uint64_t deadline_ns);

// Puts in place of each site in a wrapper a site for each of its callers, as the cells' stacks
// tell; summary->place of such a cell is its site's index + 1. Status as of ms_symbols_ask.
memscope_status ms_see_through_wrappers(struct ms_summary *summary,
                                        const struct ms_resolve_options *options);
// Sums up sites and summary->cells anew, once cells have moved. False = out of memory.
bool ms_summary_recount(struct ms_summary *summary);

// Which container of the standard library each site's block is part of, by its inlined frames.
void ms_find_containers(struct ms_summary *summary);
// Whether no frame from this one outwards tells the container.
bool ms_frame_ends_containers(const struct ms_frame *frame, bool is_wrapper);
// Where no type is known, the one that std::allocator was told to allocate.
void ms_find_elements(struct ms_summary *summary);
// Whether the frame only hands on what the library's allocator asks for.
bool ms_is_below_allocator(const char *function);
// One past the template argument that begins there, at its comma or closing bracket.
const char *ms_argument_end(const char *at, const char *end);
// The text as its author writes it, pointers as in the names of types; to be freed.
char *ms_written(const char *at, const char *end);

#endif
