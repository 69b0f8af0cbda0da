// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is alive: contexts with live blocks, and of sites what no context accounts for.

#include "leaks.h"

#include <stdlib.h>
#include <string.h>

#include "stack_path.h"
#include "stacks_text.h"

struct collection {
    struct ms_leaks *leaks;
    struct ms_stack_path path; // what the filters say
    struct ms_stack_frame *next_frame;
};

static bool matches(const struct ms_suppression *suppression, const struct ms_context *context) {
    for (uint32_t i = 0; i < context->frame_count; i++) {
        const struct ms_stack_frame *frame = ms_context_frame(context, i);
        if (ms_pattern_matches(suppression->pattern, frame->function) ||
            ms_pattern_matches(suppression->pattern, frame->file) ||
            (frame->module && ms_pattern_matches(suppression->pattern, frame->module->path)))
            return true;
    }
    return false;
}

static void suppress(struct ms_leaks *leaks, struct ms_leak *leak) {
    for (size_t i = 0; leaks->suppressions && i < leaks->suppressions->count; i++) {
        struct ms_suppression *suppression = &leaks->suppressions->items[i];
        if (!matches(suppression, &leak->context))
            continue;
        leak->suppressed_by = suppression;
        suppression->stacks++;
        suppression->blocks += leak->blocks;
        suppression->bytes += leak->bytes;
        suppression->is_estimated |= leak->is_estimated;
        leaks->suppressed_count++;
        leaks->suppressed_blocks += leak->blocks;
        leaks->suppressed_bytes += leak->bytes;
        return;
    }
}

// Of the context that was taken last.
static bool hide_frames(struct ms_stack_path *path, struct ms_leak *leak) {
    struct ms_context *context = &leak->context;
    uint32_t *numbers = malloc((context->frame_count + (size_t)1) * sizeof *numbers);
    uint32_t count = 0;
    if (!numbers)
        return false;
    for (uint32_t i = 0; i < context->frame_count; i++)
        if (!ms_stack_path_hides(path, ms_context_frame(context, i)))
            numbers[count++] = context->frame_numbers ? context->frame_numbers[i] : i;
    leak->all_hidden = count == 0 && context->frame_count > 0;
    leak->frame_numbers = numbers;
    context->frame_numbers = numbers;
    context->frame_count = count;
    return true;
}

// False = out of memory.
static bool add(struct collection *collection, struct ms_leak leak) {
    struct ms_leaks *leaks = collection->leaks;
    struct ms_stack_path *path = &collection->path;
    bool keep = true;
    if (leak.blocks == 0 && leak.bytes == 0)
        return true;
    leaks->all.count++;
    leaks->all.bytes += leak.bytes;
    leaks->all.blocks += leak.blocks;
    leaks->all.is_estimated |= leak.is_estimated;
    if (ms_filters_first(&path->options->filters) &&
        !ms_stack_path_take(path, &leak.context, &keep))
        return false;
    if (!keep)
        return true;
    leaks->bytes += leak.bytes;
    leaks->blocks += leak.blocks;
    leaks->is_estimated |= leak.is_estimated;
    suppress(leaks, &leak);
    if (!leak.suppressed_by)
        leaks->variance += leak.variance;
    bool good = !path->options->filters.hide || hide_frames(path, &leak);
    leaks->items[leaks->count++] = leak;
    return good;
}

// The frames of a site, at `*next_frame`.
static struct ms_context site_context(const struct ms_summary *summary, const struct ms_site *site,
                                      struct ms_stack_frame **next_frame) {
    struct ms_stack_frame *frames = *next_frame;
    uint32_t count = ms_site_frame_count(site);
    for (uint32_t i = 0; i < count; i++) {
        struct ms_frame frame = ms_site_frame(summary, site, i);
        frames[i] = (struct ms_stack_frame){
            .inlined = i + 1 < count,
            .function = frame.function && *frame.function ? frame.function : NULL,
            .file = frame.file && *frame.file ? frame.file : NULL,
            .line = frame.line,
            .column = frame.column,
            .module = site->module,
            .module_offset = site->module_offset,
        };
    }
    if (count == 0 && site->foreign)
        frames[count++] =
            (struct ms_stack_frame){.module = site->module, .module_offset = site->module_offset};
    *next_frame += count;
    return (struct ms_context){.site = site, .frame_count = count, .frames = frames};
}

static bool add_site(struct collection *collection, const struct ms_site *site) {
    const struct ms_contexts *contexts = collection->leaks->contexts;
    size_t count;
    const struct ms_context *items = ms_contexts_of(contexts, site, &count);
    uint64_t bytes = site->counts.live_bytes, blocks = site->counts.live_allocations;
    double variance = site->counts.variance.live_bytes;
    for (size_t i = 0; i < count; i++) {
        uint64_t some_bytes = items[i].counts.live_bytes;
        uint64_t some_blocks = items[i].counts.live_allocations;
        if (!add(collection, (struct ms_leak){.context = items[i],
                                              .has_stack = true,
                                              .blocks = some_blocks,
                                              .bytes = some_bytes,
                                              .is_estimated = items[i].counts.is_estimated,
                                              .variance = items[i].counts.variance.live_bytes}))
            return false;
        variance -= items[i].counts.variance.live_bytes;
        bytes -= some_bytes < bytes ? some_bytes : bytes;
        blocks -= some_blocks < blocks ? some_blocks : blocks;
    }
    if (bytes == 0 && blocks == 0)
        return true;
    return add(collection, (struct ms_leak){.context = site_context(contexts->summary, site,
                                                                    &collection->next_frame),
                                            .blocks = blocks,
                                            .bytes = bytes,
                                            .is_estimated = site->counts.is_estimated,
                                            .variance = variance > 0 ? variance : 0});
}

static int compare_leaks(const void *left, const void *right) {
    const struct ms_leak *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    if (a->blocks != b->blocks)
        return a->blocks > b->blocks ? -1 : 1;
    if (a->context.site != b->context.site)
        return a->context.site < b->context.site ? -1 : 1;
    return (a->context.id > b->context.id) - (a->context.id < b->context.id);
}

static bool add_sites(struct ms_leaks *leaks) {
    const struct ms_summary *summary = leaks->contexts->summary;
    const struct ms_stack_options options = {
        .keep_recursion = true,
        .keep_plumbing = true,
        .filters = leaks->filters,
    };
    struct collection collection = {
        .leaks = leaks, .path.options = &options, .next_frame = leaks->frames};
    bool good = true;
    for (size_t i = 0; good && i < summary->site_count; i++)
        good = add_site(&collection, &summary->sites[i]);
    free(collection.path.steps.items);
    ms_stack_path_release(&collection.path);
    return good;
}

memscope_status ms_leaks_create(const struct ms_contexts *contexts,
                                struct ms_suppressions *suppressions,
                                const struct ms_stack_filters *filters,
                                struct ms_leaks **leaks_out) {
    const struct ms_summary *summary = contexts->summary;
    struct ms_leaks *leaks = calloc(1, sizeof *leaks);
    size_t frames = 1;
    *leaks_out = NULL;
    if (!leaks)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < summary->site_count; i++)
        frames += ms_site_frame_count(&summary->sites[i]) + 1;
    leaks->contexts = contexts;
    leaks->suppressions = suppressions;
    if (filters)
        leaks->filters = *filters;
    leaks->items = calloc(contexts->count + summary->site_count + 1, sizeof *leaks->items);
    leaks->frames = calloc(frames, sizeof *leaks->frames);
    if (!leaks->items || !leaks->frames || !add_sites(leaks)) {
        ms_leaks_destroy(leaks);
        return MEMSCOPE_OUT_OF_MEMORY;
    }
    qsort(leaks->items, leaks->count, sizeof *leaks->items, compare_leaks);
    *leaks_out = leaks;
    return MEMSCOPE_OK;
}

bool ms_leaks_any(const struct ms_leaks *leaks) {
    const struct ms_summary *summary = leaks->contexts->summary;
    bool at_no_place = ms_sites_are_estimated(summary) && leaks->all.count == 0;
    return leaks->count > leaks->suppressed_count ||
           (at_no_place && summary->total.live_allocations > 0);
}

void ms_leaks_destroy(struct ms_leaks *leaks) {
    if (!leaks)
        return;
    for (size_t i = 0; i < leaks->count; i++)
        free(leaks->items[i].frame_numbers);
    free(leaks->items);
    free(leaks->frames);
    free(leaks);
}
