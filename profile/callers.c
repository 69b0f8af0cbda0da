// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sees through wrappers: a site that stands in one, or in the standard library, is one counter for
// all its callers. The cells' stacks tell them apart: the site becomes one site for each of the
// innermost calls that stand in neither.

#include "contexts_parts.h"
#include "wrappers.h"

#include <stdlib.h>
#include <string.h>

// How many frames' names are asked for, round by round: most callers are near. With fewer than the
// first a site would not be found in its stack.
static const uint32_t rounds[] = {MS_SITE_WITHIN, 16, 64};

// A cell whose caller is known: its new site's frames.
struct move {
    uint32_t site; // index of the old one
    uint32_t cell; // unit
    uint64_t hash; // of the frames from the caller outwards
    uint32_t caller, count;
    struct ms_frame *frames;
};

struct work {
    struct ms_context_work frames;
    struct ms_summary *summary;
    struct ms_wrappers *wrappers;
    struct ms_stack stack;
    struct move *moves;
    size_t move_count;
    bool *candidates; // by site
    size_t candidate_count;
};

static size_t place_of(const struct ms_summary *summary, uint32_t ref, uint8_t type) {
    return summary->place[ms_unit_of(summary->profile, ref, type)];
}

static const struct memscope_cell_record *cell_at(const struct ms_summary *summary, uint32_t unit) {
    return (const void *)ms_at(summary->profile, unit);
}

// --- which sites -------------------------------------------------------------------------------

static bool passes_on(const struct work *work, const struct ms_frame *frame) {
    return ms_is_library_frame(frame) || ms_wrappers_has(work->wrappers, frame);
}

// The first of a site's frames that is not a wrapper's; its frame count if all are.
static uint32_t own_caller(const struct work *work, const struct ms_site *site) {
    uint32_t count = ms_site_frame_count(site), depth = site->wrapper_frames;
    for (; depth < count; depth++) {
        struct ms_frame frame = ms_site_frame(work->summary, site, depth);
        if (!passes_on(work, &frame))
            break;
    }
    return depth;
}

static bool is_allocation(const struct ms_site *site) {
    return site->counts.allocations > 0 && (site->foreign || site->function);
}

static bool find_candidates(struct work *work) {
    const struct ms_summary *summary = work->summary;
    work->candidates = calloc(summary->site_count + 1, sizeof *work->candidates);
    if (!work->candidates)
        return false;
    for (size_t i = 0; i < summary->site_count; i++) {
        const struct ms_site *site = &summary->sites[i];
        uint32_t count = ms_site_frame_count(site);
        if (!is_allocation(site) || count == 0 || own_caller(work, site) < count)
            continue;
        work->candidates[i] = true;
        work->candidate_count++;
    }
    return true;
}

// --- callers of their cells --------------------------------------------------------------------

static struct ms_frame plain(const struct ms_stack_frame *frame) {
    return (struct ms_frame){frame->function, frame->file, frame->line, frame->column};
}

static uint64_t mix_text(uint64_t hash, const char *text) {
    return ms_mix(hash, text ? ms_hash_text(text) : 0);
}

static uint64_t hash_frame(uint64_t hash, const struct ms_frame *frame) {
    hash = mix_text(mix_text(hash, frame->function), frame->file);
    return ms_mix(hash, (uint64_t)frame->line << 32 | frame->column);
}

// One caller may get blocks of several types from the library.
static uint64_t hash_content(uint64_t hash, const struct ms_frame *frames, uint32_t caller) {
    bool may_be_element = true, may_be_container = true;
    for (uint32_t i = 0; i < caller; i++) {
        const struct ms_frame *frame = &frames[i];
        if (!frame->function)
            break;
        char *element = may_be_element ? ms_element_of(frame->function) : NULL;
        may_be_element = may_be_element && !element && ms_is_below_allocator(frame->function);
        may_be_container = may_be_container && !ms_frame_ends_containers(frame, true);
        char *container = may_be_container ? ms_container_of(frame->function) : NULL;
        may_be_container = may_be_container && !container;
        hash = element ? mix_text(hash, element) : hash;
        hash = container ? mix_text(hash, container) : hash;
        free(element);
        free(container);
    }
    return hash;
}

// Notes the move of a cell to the caller at that frame of the stack. False = out of memory.
static bool note_move(struct work *work, uint32_t site, uint32_t cell, uint32_t caller) {
    const struct ms_stack *stack = &work->stack;
    uint32_t count = caller + 1;
    while (count < stack->count && stack->frames[count - 1].inlined)
        count++;
    struct ms_frame *frames = ms_arena_take(&work->summary->symbols->arena, count * sizeof *frames);
    if (!frames)
        return false;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < count; i++) {
        frames[i] = plain(&stack->frames[i]);
        if (i >= caller)
            hash = hash_frame(hash, &frames[i]);
    }
    hash = hash_content(hash, frames, caller);
    work->moves[work->move_count++] = (struct move){.site = site,
                                                    .cell = cell,
                                                    .hash = hash,
                                                    .caller = caller,
                                                    .count = count,
                                                    .frames = frames};
    return true;
}

// Looks for the caller in the cell's stack; *done_out: there is no need to look again.
static bool look_at(struct work *work, uint32_t cell, uint32_t unit, uint32_t index, uint32_t asked,
                    bool *done_out) {
    const struct ms_site *site = &work->summary->sites[index];
    struct ms_stack_source source = {
        .record = (const void *)ms_at(work->summary->profile, unit),
        .site = site,
    };
    ms_stack_make(&work->stack, &work->frames, &source);
    if (work->stack.failed)
        return false;
    *done_out = true;
    for (uint32_t i = site->foreign ? 0 : ms_site_frame_count(site); i < work->stack.count; i++) {
        const struct ms_stack_frame *frame = &work->stack.frames[i];
        struct ms_frame one = plain(frame);
        if (frame->kind != MS_STACK_CALL)
            return true;
        if (!frame->function) {
            *done_out = ms_context_frame_count(source.record) <= asked;
            return true;
        }
        if (!passes_on(work, &one))
            return note_move(work, index, cell, i);
    }
    return true;
}

static bool want(struct work *work, uint32_t unit, uint32_t first, uint32_t end) {
    const struct memscope_context_record *record =
        (const void *)ms_at(work->summary->profile, unit);
    bool good = true;
    for (uint32_t i = first; good && i < end && i < ms_context_frame_count(record); i++) {
        const struct ms_module *module;
        uint64_t offset;
        if (ms_context_code(&work->frames, record->frames[i], &module, &offset))
            good = ms_symbols_want(work->summary->symbols, module, offset);
    }
    return good;
}

// Once the modules' files are found.
static bool read_wrappers(struct work *work, const struct ms_resolve_options *options) {
    const struct ms_summary *summary = work->summary;
    for (size_t i = 0; summary->symbols->files && i < summary->module_count; i++)
        if (summary->modules[i].first == i)
            ms_symbols_file(summary, (uint32_t)i, options);
    ms_wrappers_free(work->wrappers);
    work->wrappers = ms_wrappers_read(summary);
    return work->wrappers != NULL;
}

// One more round for the cells in `open`, units of cells; what is done is taken out of it.
static memscope_status look_further(struct work *work, uint32_t *open, size_t *open_count,
                                    size_t round, const struct ms_resolve_options *options) {
    const struct ms_summary *summary = work->summary;
    size_t left = 0;
    for (size_t i = 0; i < *open_count; i++) {
        uint32_t context = ms_unit_of(summary->profile, cell_at(summary, open[i])->context_ref,
                                      MEMSCOPE_RECORD_CONTEXT);
        if (!want(work, context, round ? rounds[round - 1] : 0, rounds[round]))
            return MEMSCOPE_OUT_OF_MEMORY;
    }
    memscope_status status = ms_symbols_ask(summary, options);
    for (size_t i = 0; status != MEMSCOPE_OUT_OF_MEMORY && i < *open_count; i++) {
        const struct memscope_cell_record *cell = cell_at(summary, open[i]);
        bool done;
        if (!look_at(work, open[i],
                     ms_unit_of(summary->profile, cell->context_ref, MEMSCOPE_RECORD_CONTEXT),
                     (uint32_t)place_of(summary, cell->site_ref, MEMSCOPE_RECORD_SITE) - 1,
                     rounds[round], &done))
            return MEMSCOPE_OUT_OF_MEMORY;
        if (!done)
            open[left++] = open[i];
    }
    *open_count = left;
    return status;
}

static memscope_status find_callers(struct work *work, const struct ms_resolve_options *options) {
    const struct ms_summary *summary = work->summary;
    const struct ms_profile *profile = summary->profile;
    size_t count = 0;
    memscope_status status = MEMSCOPE_OK;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        count += profile->types[unit] == MEMSCOPE_RECORD_CELL;
    uint32_t *open = calloc(count + 1, sizeof *open);
    work->moves = calloc(count + 1, sizeof *work->moves);
    if (!open || !work->moves)
        status = MEMSCOPE_OUT_OF_MEMORY;
    count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; status == MEMSCOPE_OK && unit < profile->end_unit; unit++) {
        if (profile->types[unit] != MEMSCOPE_RECORD_CELL)
            continue;
        const struct memscope_cell_record *cell = cell_at(summary, unit);
        size_t site = place_of(summary, cell->site_ref, MEMSCOPE_RECORD_SITE);
        if (site && work->candidates[site - 1] &&
            ms_unit_of(profile, cell->context_ref, MEMSCOPE_RECORD_CONTEXT))
            open[count++] = unit;
    }
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds && count > 0 && status == MEMSCOPE_OK;
         i++)
        status = look_further(work, open, &count, i, options);
    free(open);
    return status;
}

// --- new sites ---------------------------------------------------------------------------------

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_moves(const void *left, const void *right) {
    const struct move *a = left, *b = right;
    int difference = compare_numbers(a->site, b->site);
    if (difference == 0)
        difference = compare_numbers(a->hash, b->hash);
    return difference ? difference : compare_numbers(a->cell, b->cell);
}

// The type and the variable, as who calls knows them; else as the wrappers in between do.
static void take_facts(const struct work *work, struct ms_site *site, uint32_t caller) {
    bool wrapped = false;
    for (uint32_t depth = caller; depth-- > 0 && !wrapped;)
        wrapped = ms_wrappers_has(work->wrappers, &site->symbols[depth]);
    if (!wrapped)
        return; // the library's: it knows its types itself
    const struct ms_wrapper_call *call = ms_wrappers_call(work->wrappers, &site->symbols[caller]);
    site->variable_name = call ? call->variable : NULL;
    for (uint32_t depth = caller + 1; depth-- > site->own_frame_count;) {
        call = ms_wrappers_call(work->wrappers, &site->symbols[depth]);
        if (!call || !call->type)
            continue;
        site->type_name = call->type;
        site->type_bytes = call->type_bytes;
        return;
    }
}

static void fill_site(const struct work *work, struct ms_site *site, const struct ms_site *old,
                      const struct move *move) {
    const struct ms_summary *summary = work->summary;
    uint32_t own = ms_site_frame_count(old);
    *site = *old;
    site->id = summary->profile->header.ref_base +
               ms_unit_of(summary->profile, cell_at(summary, move->cell)->context_ref,
                          MEMSCOPE_RECORD_CONTEXT);
    site->container = NULL;
    site->symbols = move->frames;
    site->symbol_count = move->count;
    site->own_frame_count = own;
    site->wrapper_frames = move->caller;
    take_facts(work, site, move->caller);
}

// Makes the sites; those that nothing is left of give their place to the first of them.
static bool make_sites(struct work *work) {
    struct ms_summary *summary = work->summary;
    size_t *left = calloc(summary->site_count + 1, sizeof *left), count = summary->site_count;
    struct ms_site old = {0};
    if (!left)
        return false;
    for (uint32_t unit = MS_FIRST_UNIT; unit < summary->profile->end_unit; unit++) {
        if (summary->profile->types[unit] != MEMSCOPE_RECORD_CELL)
            continue;
        size_t site = place_of(summary, cell_at(summary, unit)->site_ref, MEMSCOPE_RECORD_SITE);
        left[site ? site - 1 : 0]++;
    }
    for (size_t i = 0; i < work->move_count; i++)
        left[work->moves[i].site]--;
    qsort(work->moves, work->move_count, sizeof *work->moves, compare_moves);
    for (size_t i = 0; i < work->move_count;) {
        const struct move *first = &work->moves[i];
        bool is_new_site = i == 0 || work->moves[i - 1].site != first->site;
        if (is_new_site)
            old = summary->sites[first->site];
        size_t at = is_new_site && left[first->site] == 0 ? first->site : count++;
        if (at == first->site)
            free(summary->sites[at].container);
        fill_site(work, &summary->sites[at], &old, first);
        if (at == first->site)
            summary->sites[at].id = old.id;
        for (; i < work->move_count && work->moves[i].site == first->site &&
               work->moves[i].hash == first->hash;
             i++)
            summary->place[work->moves[i].cell] = (uint32_t)at + 1;
    }
    summary->site_count = count;
    free(left);
    return true;
}

// A call by a pointer, as of `hooks.malloc(n)`, is known to its caller alone.
static void tell_foreign(const struct work *work) {
    for (size_t i = 0; i < work->summary->site_count; i++) {
        struct ms_site *site = &work->summary->sites[i];
        uint32_t caller = site->foreign && !site->own_frame_count ? own_caller(work, site) : 0;
        if (!site->foreign || site->own_frame_count || caller >= ms_site_frame_count(site))
            continue;
        const struct ms_wrapper_call *call =
            ms_wrappers_call(work->wrappers, &site->symbols[caller]);
        site->wrapper_frames = caller;
        site->type_name = call ? call->type : NULL;
        site->type_bytes = call ? call->type_bytes : 0;
        site->variable_name = call ? call->variable : NULL;
    }
}

// --- the whole ---------------------------------------------------------------------------------

memscope_status ms_see_through_wrappers(struct ms_summary *summary,
                                        const struct ms_resolve_options *options) {
    struct work work = {.frames.summary = summary, .summary = summary};
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    if (ms_context_work_begin(&work.frames) && read_wrappers(&work, options) &&
        find_candidates(&work)) {
        status = MEMSCOPE_OK;
        if (work.candidate_count > 0)
            status = find_callers(&work, options);
        if (status != MEMSCOPE_OUT_OF_MEMORY && work.move_count > 0 &&
            (!make_sites(&work) || !ms_summary_recount(summary)))
            status = MEMSCOPE_OUT_OF_MEMORY;
        if (status != MEMSCOPE_OUT_OF_MEMORY) {
            tell_foreign(&work);
            ms_find_containers(summary);
        }
    }
    ms_wrappers_free(work.wrappers);
    free(work.frames.modules);
    free(work.stack.frames);
    free(work.moves);
    free(work.candidates);
    return status;
}
