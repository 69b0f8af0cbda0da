// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums a profile up: merged sites, threads, the whole process.

#define _GNU_SOURCE // qsort_r
#include "internal.h"

#include <stdlib.h>
#include <string.h>

// While the summary is made: where the record of a unit went.
struct work {
    const struct ms_profile *profile;
    struct ms_summary *summary;
    uint32_t *canonical;
    uint32_t *place; // by unit: index + 1 into sites, threads or modules
    size_t counts[MEMSCOPE_RECORD_TRANSFER + 1];
    struct ms_peak_bounds *site_bounds, *thread_bounds;
    struct ms_estimate_carry *carries; // by site
};

static uint32_t ref_of(const struct work *work, uint32_t unit) {
    return work->profile->header.ref_base + unit;
}

static const char *text(const struct work *work, uint32_t ref) {
    const char *string = ms_profile_string(work->profile, ref);
    return string && *string ? string : NULL;
}

// Of equal texts always the same one.
static const char *shared_text(const struct work *work, uint32_t ref) {
    uint32_t unit = ms_unit_of(work->profile, ref, MEMSCOPE_RECORD_STRING);
    return unit ? text(work, ref_of(work, work->canonical[unit])) : NULL;
}

static size_t place_of(const struct work *work, uint32_t ref, uint8_t type) {
    return work->place[ms_unit_of(work->profile, ref, type)];
}

static bool make_room_for_estimates(struct work *work) {
    size_t count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++)
        count += work->profile->types[unit] == MEMSCOPE_RECORD_CELL &&
                 ms_cell_is_sampled((const void *)ms_at(work->profile, unit));
    work->summary->estimates = calloc(count + 1, sizeof *work->summary->estimates);
    return work->summary->estimates != NULL;
}

static bool make_room(struct work *work) {
    struct ms_summary *summary = work->summary;
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++)
        if (work->profile->types[unit] <= MEMSCOPE_RECORD_TRANSFER)
            work->counts[work->profile->types[unit]]++;
    const size_t *counts = work->counts;
    // One more of each, so that none is of size 0; the first site is the unknown one. A cell may
    // become a site of its own: see ms_see_through_wrappers.
    summary->sites = calloc(counts[MEMSCOPE_RECORD_SITE] + counts[MEMSCOPE_RECORD_CELL] + 1,
                            sizeof *summary->sites);
    summary->threads = calloc(counts[MEMSCOPE_RECORD_THREAD] + 1, sizeof *summary->threads);
    summary->cells = calloc(counts[MEMSCOPE_RECORD_CELL] + 1, sizeof *summary->cells);
    summary->modules = calloc(counts[MEMSCOPE_RECORD_MODULE] + 1, sizeof *summary->modules);
    summary->units_without_debug_info =
        calloc(counts[MEMSCOPE_RECORD_UNIT] + 1, sizeof *summary->units_without_debug_info);
    work->site_bounds = calloc(counts[MEMSCOPE_RECORD_SITE] + 1, sizeof *work->site_bounds);
    work->thread_bounds = calloc(counts[MEMSCOPE_RECORD_THREAD] + 1, sizeof *work->thread_bounds);
    work->carries = calloc(counts[MEMSCOPE_RECORD_SITE] + 1, sizeof *work->carries);
    work->place = calloc((size_t)work->profile->end_unit + 1, sizeof *work->place);
    summary->place = work->place;
    work->canonical = ms_canonical_units(work->profile);
    return summary->sites && summary->threads && summary->cells && summary->modules &&
           summary->units_without_debug_info && work->site_bounds && work->thread_bounds &&
           work->carries && work->place && work->canonical && make_room_for_estimates(work);
}

static void take_modules(struct work *work) {
    struct ms_summary *summary = work->summary;
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++) {
        if (work->profile->types[unit] != MEMSCOPE_RECORD_MODULE)
            continue;
        const struct memscope_module_record *record = (const void *)ms_at(work->profile, unit);
        summary->modules[summary->module_count] = (struct ms_module){
            .id = ref_of(work, unit),
            .path = text(work, record->path_ref),
            .build_id_length = record->build_id_length,
            .build_id = record->build_id,
            .map_start = record->map_start,
            .map_end = record->map_end,
            .load_bias = record->load_bias,
            .ordinal = record->ordinal,
        };
        work->place[unit] = (uint32_t)++summary->module_count;
        summary->modules[summary->module_count - 1].first = work->place[work->canonical[unit]] - 1;
    }
}

static const struct ms_module *module_of(const struct work *work, uint32_t ref) {
    size_t place = place_of(work, ref, MEMSCOPE_RECORD_MODULE);
    return place ? &work->summary->modules[place - 1] : NULL;
}

static struct memscope_site_tail site_tail(const struct memscope_site_record *record) {
    struct memscope_site_tail tail = {0};
    size_t at = sizeof *record + record->inlined_count * sizeof *record->inlined;
    if (at + sizeof tail <= (size_t)record->record.units * MEMSCOPE_UNIT_BYTES)
        memcpy(&tail, record->inlined + record->inlined_count, sizeof tail);
    return tail;
}

static void fill_site(const struct work *work, uint32_t unit, struct ms_site *site) {
    const struct memscope_site_record *record = (const void *)ms_at(work->profile, unit);
    struct memscope_site_tail tail = site_tail(record);
    *site = (struct ms_site){
        .id = ref_of(work, unit),
        .kind = record->kind,
        .foreign = record->record.flags & MEMSCOPE_SITE_FLAG_FOREIGN,
        .function = text(work, record->function_ref),
        .file = shared_text(work, record->file_ref),
        .type_name = text(work, record->type_ref),
        .variable_name = text(work, record->variable_ref),
        .type_bytes = tail.type_bytes,
        .wrapper_frames =
            tail.wrapper_frames <= 1u + record->inlined_count ? tail.wrapper_frames : 0,
        .line = record->line,
        .column = record->column,
        .inlined_count = record->inlined_count,
        .inlined = record->inlined,
        .module = module_of(work, record->module_ref),
        .module_offset = record->module_offset,
    };
}

static int compare_ids(const void *left, const void *right) {
    const struct ms_site *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

// That of blocks that were not sampled is none: they are in totals alone.
static bool is_site(const struct ms_profile *profile, uint32_t unit) {
    return profile->types[unit] == MEMSCOPE_RECORD_SITE &&
           ((const struct memscope_site_record *)ms_at(profile, unit))->kind !=
               MEMSCOPE_SITE_UNSAMPLED;
}

// Merges equal sites; each takes the id of its first record. `place` maps every site record there.
static bool take_sites(struct work *work) {
    struct ms_summary *summary = work->summary;
    size_t count = 0;
    struct ms_site_key *keys = calloc(work->counts[MEMSCOPE_RECORD_SITE] + 1, sizeof *keys);
    if (!keys)
        return false;
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++)
        if (is_site(work->profile, unit))
            keys[count++].unit = unit;
    ms_sort_sites(work->profile, work->canonical, keys, count);
    // First pass: the unit of the first equal record stands in for the place.
    summary->site_count = 1;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && ms_same_site(work->profile, work->canonical, &keys[i - 1], &keys[i])) {
            work->place[keys[i].unit] = work->place[keys[i - 1].unit];
        } else {
            fill_site(work, keys[i].unit, &summary->sites[summary->site_count++]);
            work->place[keys[i].unit] = keys[i].unit;
        }
    }
    // Second pass: sites by id, that is by unit; an earlier first record comes earlier in `keys`
    // of its group only, so sort, then turn first units into places.
    qsort(summary->sites, summary->site_count, sizeof *summary->sites, compare_ids);
    for (size_t i = 1; i < summary->site_count; i++)
        work->canonical[summary->sites[i].id - work->profile->header.ref_base] = (uint32_t)i;
    for (size_t i = 0; i < count; i++)
        work->place[keys[i].unit] = work->canonical[work->place[keys[i].unit]] + 1;
    free(keys);
    return true;
}

static int compare_indexes(const void *left, const void *right) {
    const struct ms_thread *a = left, *b = right;
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static void take_threads(struct work *work) {
    struct ms_summary *summary = work->summary;
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++) {
        if (work->profile->types[unit] != MEMSCOPE_RECORD_THREAD)
            continue;
        const struct memscope_thread_record *record = (const void *)ms_at(work->profile, unit);
        struct ms_thread *thread = &summary->threads[summary->threads_length++];
        size_t spawn = place_of(work, record->spawn_site_ref, MEMSCOPE_RECORD_SITE);
        *thread = (struct ms_thread){
            .id = ref_of(work, unit),
            .index = record->index,
            .thread_id = record->thread_id,
            .spawn_site = spawn ? &summary->sites[spawn - 1] : NULL,
            .state = record->state,
            .start_ns = record->start_ns,
            .end_ns = record->end_ns,
            .shared_by = record->shared_by ? record->shared_by : 1,
        };
        memcpy(thread->name, record->name, sizeof record->name);
    }
    qsort(summary->threads, summary->threads_length, sizeof *summary->threads, compare_indexes);
    for (size_t i = 0; i < summary->threads_length; i++)
        work->place[summary->threads[i].id - work->profile->header.ref_base] = (uint32_t)i + 1;
}

static void count_place(struct ms_summary *summary, const struct ms_site *site, uint64_t bytes) {
    if (site->foreign || site->kind == MEMSCOPE_SITE_FOREIGN)
        summary->bytes_foreign = ms_add(summary->bytes_foreign, bytes);
    else if (site->kind == MEMSCOPE_SITE_UNKNOWN || site->kind == MEMSCOPE_SITE_REENTRANT ||
             site->kind == MEMSCOPE_SITE_OVERFLOW)
        summary->bytes_unplaced = ms_add(summary->bytes_unplaced, bytes);
    else
        summary->bytes_with_site = ms_add(summary->bytes_with_site, bytes);
}

static int compare_cells(const void *left, const void *right) {
    const struct ms_cell *a = left, *b = right;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    return (a->thread > b->thread) - (a->thread < b->thread);
}

// Merged sites may have several cells of one thread.
static void merge_cells(struct ms_summary *summary) {
    struct ms_cell *cells = summary->cells;
    size_t count = summary->cell_count;
    qsort(cells, count, sizeof *cells, compare_cells);
    summary->cell_count = 0;
    for (size_t i = 0; i < count;) {
        struct ms_cell merged = {.site = cells[i].site, .thread = cells[i].thread};
        struct ms_peak_bounds bounds = {0};
        size_t first = i;
        while (i < count && compare_cells(&cells[first], &cells[i]) == 0)
            ms_counts_add(&merged.counts, &cells[i++].counts, &bounds);
        ms_counts_bound_peak(&merged.counts, &bounds);
        cells[summary->cell_count++] = merged;
    }
    // Of a million cells few may be left.
    struct ms_cell *fewer = realloc(cells, (summary->cell_count + 1) * sizeof *cells);
    if (fewer)
        summary->cells = fewer;
}

// Adds to summary->estimates.
static void take_sample(struct work *work, uint32_t unit, const struct ms_counts *counts) {
    struct ms_summary *summary = work->summary;
    const struct memscope_cell_record *record = (const void *)ms_at(work->profile, unit);
    size_t site = place_of(work, record->site_ref, MEMSCOPE_RECORD_SITE);
    struct ms_estimate *estimate = &summary->estimates[summary->estimate_count++];
    estimate->unit = unit;
    ms_estimate_cell(ms_cell_sample_of(record), counts, &work->carries[site ? site - 1 : 0],
                     &estimate->counts);
    summary->sampled_blocks = ms_add(summary->sampled_blocks, counts->allocations);
    summary->sampled_bytes = ms_add(summary->sampled_bytes, counts->bytes);
}

// Fills the cell of a record; false = it is in totals alone.
static bool take_cell(const struct work *work, uint32_t unit, struct ms_cell *cell) {
    struct ms_summary *summary = work->summary;
    const struct memscope_cell_record *record = (const void *)ms_at(work->profile, unit);
    size_t site = work->place[unit]; // it moved out of a wrapper
    if (!site)
        site = place_of(work, record->site_ref, MEMSCOPE_RECORD_SITE);
    size_t thread = place_of(work, record->thread_ref, MEMSCOPE_RECORD_THREAD);
    cell->site = &summary->sites[site ? site - 1 : 0];
    cell->thread = thread ? &summary->threads[thread - 1] : NULL;
    return ms_cell_share(summary, unit, &cell->counts);
}

// What it is to the process and its thread.
static void count_cell(struct work *work, uint32_t unit, struct ms_counts *counts_out) {
    struct ms_summary *summary = work->summary;
    const struct memscope_cell_record *record = (const void *)ms_at(work->profile, unit);
    size_t thread = place_of(work, record->thread_ref, MEMSCOPE_RECORD_THREAD);
    struct ms_peak_bounds whole = {0};
    ms_count_cell(record, work->profile->header.peak_epoch, counts_out);
    ms_counts_add(&summary->total, counts_out, &whole);
    if (thread)
        ms_counts_add(&summary->threads[thread - 1].counts, counts_out,
                      &work->thread_bounds[thread - 1]);
}

static void take_cells(struct work *work) {
    struct ms_summary *summary = work->summary;
    struct ms_peak_bounds of_sites = {0};
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++) {
        if (work->profile->types[unit] != MEMSCOPE_RECORD_CELL)
            continue;
        const struct memscope_cell_record *record = (const void *)ms_at(work->profile, unit);
        struct ms_cell *cell = &summary->cells[summary->cell_count];
        struct ms_counts counts;
        count_cell(work, unit, &counts);
        if (ms_cell_is_sampled(record))
            take_sample(work, unit, &counts);
        if (!take_cell(work, unit, cell)) {
            summary->unsampled_blocks = ms_add(summary->unsampled_blocks, counts.allocations);
            summary->unsampled_bytes = ms_add(summary->unsampled_bytes, counts.bytes);
            continue;
        }
        summary->cell_count++;
        size_t site = (size_t)(cell->site - summary->sites);
        struct ms_peak_bounds in_site_peak = {0};
        ms_counts_add(&summary->sites[site].counts, &cell->counts,
                      record->site_peak ? &in_site_peak : &work->site_bounds[site]);
        ms_counts_add(&summary->all_sites, &cell->counts, &of_sites);
        count_place(summary, cell->site, cell->counts.bytes);
    }
    merge_cells(summary);
}

// Of sites that cells moved away from or to, peaks are as their cells tell.
bool ms_summary_recount(struct ms_summary *summary) {
    const struct ms_profile *profile = summary->profile;
    struct ms_peak_bounds *bounds = calloc(summary->site_count + 1, sizeof *bounds);
    bool *moved = calloc(summary->site_count + 1, sizeof *moved);
    size_t count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        count += profile->types[unit] == MEMSCOPE_RECORD_CELL;
    struct ms_cell *cells = calloc(count + 1, sizeof *cells);
    if (!bounds || !moved || !cells) {
        free(bounds);
        free(moved);
        free(cells);
        return false;
    }
    free(summary->cells);
    summary->cells = cells;
    struct work work = {.profile = profile, .summary = summary, .place = summary->place};
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        const struct memscope_cell_record *record = (const void *)ms_at(profile, unit);
        if (profile->types[unit] != MEMSCOPE_RECORD_CELL || !summary->place[unit])
            continue;
        size_t old = place_of(&work, record->site_ref, MEMSCOPE_RECORD_SITE);
        moved[summary->place[unit] - 1] = moved[old ? old - 1 : 0] = true;
    }
    for (size_t i = 0; i < summary->site_count; i++)
        if (moved[i])
            summary->sites[i].counts = (struct ms_counts){0};
    summary->cell_count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        if (profile->types[unit] != MEMSCOPE_RECORD_CELL)
            continue;
        struct ms_cell *cell = &summary->cells[summary->cell_count];
        if (!take_cell(&work, unit, cell))
            continue;
        summary->cell_count++;
        size_t site = (size_t)(cell->site - summary->sites);
        if (moved[site])
            ms_counts_add(&summary->sites[site].counts, &cell->counts, &bounds[site]);
    }
    for (size_t i = 0; i < summary->site_count; i++)
        if (moved[i])
            ms_counts_bound_peak(&summary->sites[i].counts, &bounds[i]);
    merge_cells(summary);
    free(bounds);
    free(moved);
    return true;
}

// Of a site that one thread allocates at both bounds meet: it is exact.
static void take_site_peaks(struct work *work) {
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++) {
        if (work->profile->types[unit] != MEMSCOPE_RECORD_SITE_PEAK)
            continue;
        const struct memscope_site_peak_record *record = (const void *)ms_at(work->profile, unit);
        size_t site = place_of(work, record->site_ref, MEMSCOPE_RECORD_SITE);
        struct ms_peak_bounds *bounds = &work->site_bounds[site ? site - 1 : 0];
        bounds->cells++;
        bounds->largest = ms_max(bounds->largest, record->peak_bytes);
        bounds->sum = ms_add(bounds->sum, record->peak_bytes);
    }
}

// A thread's own peak is kept from ThreadLocal on; before that the first thread is the process.
static void bound_thread(const struct work *work, size_t i) {
    const struct memscope_profile_header *header = &work->profile->header;
    struct ms_thread *thread = &work->summary->threads[i];
    const struct memscope_thread_record *record =
        (const void *)ms_at(work->profile, thread->id - header->ref_base);
    bool is_process = !(header->strategy & MEMSCOPE_STRATEGY_THREADS) && thread->index == 0;
    uint64_t kept = is_process ? header->peak_live_bytes : record->peak_bytes;
    thread->counts.peak_bytes =
        ms_max(ms_max(kept, thread->counts.live_bytes), work->thread_bounds[i].largest);
    thread->counts.peak_error_bytes = 0;
}

static void bound_peaks(struct work *work) {
    struct ms_summary *summary = work->summary;
    const struct memscope_profile_header *header = &work->profile->header;
    for (size_t i = 0; i < summary->site_count; i++)
        ms_counts_bound_peak(&summary->sites[i].counts, &work->site_bounds[i]);
    for (size_t i = 0; i < summary->threads_length; i++)
        bound_thread(work, i);
    summary->total.peak_bytes = ms_max(header->peak_live_bytes, summary->total.live_bytes);
    summary->total.peak_error_bytes = header->strategy & MEMSCOPE_STRATEGY_THREADS
                                          ? (uint64_t)header->threads_highest * header->credit_bytes
                                          : 0;
    // Where nothing was sampled the sites are all there is, and have the process's peak.
    summary->all_sites.peak_bytes =
        ms_sites_are_estimated(summary)
            ? ms_max(summary->all_sites.live_bytes, summary->all_sites.at_peak_bytes)
            : summary->total.peak_bytes;
    summary->all_sites.peak_error_bytes =
        ms_sites_are_estimated(summary) ? 0 : summary->total.peak_error_bytes;
    summary->thread_count = ms_max(header->threads_started, summary->threads_length);
}

static void take_units(struct work *work) {
    struct ms_summary *summary = work->summary;
    for (uint32_t unit = MS_FIRST_UNIT; unit < work->profile->end_unit; unit++) {
        if (work->profile->types[unit] != MEMSCOPE_RECORD_UNIT)
            continue;
        const struct memscope_unit_record *record = (const void *)ms_at(work->profile, unit);
        summary->units_without_debug_info[summary->unit_count++] = (struct ms_unit){
            .name = text(work, record->name_ref),
            .module = module_of(work, record->module_ref),
        };
    }
}

// The unknown site stays only where something was counted there.
static void drop_unknown_site(struct ms_summary *summary) {
    for (size_t i = 0; i < summary->cell_count; i++)
        if (summary->cells[i].site == &summary->sites[0])
            return;
    memmove(summary->sites, summary->sites + 1, --summary->site_count * sizeof *summary->sites);
    for (size_t i = 0; i < summary->cell_count; i++)
        summary->cells[i].site--;
    for (size_t i = 0; i < summary->threads_length; i++)
        if (summary->threads[i].spawn_site)
            summary->threads[i].spawn_site--;
    ms_tasks_shift_sites(summary->tasks);
    for (uint32_t unit = MS_FIRST_UNIT; unit < summary->profile->end_unit; unit++)
        if (is_site(summary->profile, unit))
            summary->place[unit]--;
}

memscope_status ms_summary_create(const struct ms_profile *profile,
                                  struct ms_summary **summary_out) {
    struct work work = {.profile = profile, .summary = calloc(1, sizeof *work.summary)};
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    *summary_out = NULL;
    if (!work.summary)
        return status;
    work.summary->profile = profile;
    work.summary->symbols = ms_symbols_create();
    if (work.summary->symbols && make_room(&work)) {
        take_modules(&work);
        if (take_sites(&work)) {
            take_threads(&work);
            take_cells(&work);
            take_site_peaks(&work);
            bound_peaks(&work);
            take_units(&work);
            status = ms_tasks_create(work.summary, work.canonical, work.place);
            if (status == MEMSCOPE_OK) {
                drop_unknown_site(work.summary);
                status = ms_find_user_frames(work.summary);
                if (status == MEMSCOPE_OK)
                    ms_find_containers(work.summary);
            }
        }
    }
    free(work.canonical);
    free(work.site_bounds);
    free(work.thread_bounds);
    free(work.carries);
    if (status == MEMSCOPE_OK)
        *summary_out = work.summary;
    else
        ms_summary_destroy(work.summary);
    return status;
}

void ms_summary_destroy(struct ms_summary *summary) {
    if (!summary)
        return;
    for (size_t i = 0; summary->sites && i < summary->site_count; i++)
        free(summary->sites[i].container);
    free(summary->sites);
    free(summary->threads);
    free(summary->cells);
    free(summary->modules);
    free(summary->units_without_debug_info);
    free(summary->files);
    ms_tasks_destroy(summary->tasks);
    ms_symbols_destroy(summary->symbols);
    free(summary->place);
    free(summary->estimates);
    free(summary);
}
