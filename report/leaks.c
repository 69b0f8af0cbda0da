// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is alive: contexts with live blocks, and of sites what no context accounts for.

#include "leaks.h"

#include <stdlib.h>
#include <string.h>

#include "stacks_text.h"

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

static void add(struct ms_leaks *leaks, struct ms_leak leak) {
    if (leak.blocks == 0 && leak.bytes == 0)
        return;
    leaks->bytes += leak.bytes;
    leaks->blocks += leak.blocks;
    leaks->is_estimated |= leak.is_estimated;
    leaks->items[leaks->count] = leak;
    suppress(leaks, &leaks->items[leaks->count]);
    if (!leaks->items[leaks->count++].suppressed_by)
        leaks->variance += leak.variance;
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

static void add_site(struct ms_leaks *leaks, const struct ms_site *site,
                     struct ms_stack_frame **next_frame) {
    size_t count;
    const struct ms_context *items = ms_contexts_of(leaks->contexts, site, &count);
    uint64_t bytes = site->counts.live_bytes, blocks = site->counts.live_allocations;
    double variance = site->counts.variance.live_bytes;
    for (size_t i = 0; i < count; i++) {
        uint64_t some_bytes = items[i].counts.live_bytes;
        uint64_t some_blocks = items[i].counts.live_allocations;
        add(leaks, (struct ms_leak){.context = items[i],
                                    .has_stack = true,
                                    .blocks = some_blocks,
                                    .bytes = some_bytes,
                                    .is_estimated = items[i].counts.is_estimated,
                                    .variance = items[i].counts.variance.live_bytes});
        variance -= items[i].counts.variance.live_bytes;
        bytes -= some_bytes < bytes ? some_bytes : bytes;
        blocks -= some_blocks < blocks ? some_blocks : blocks;
    }
    if (bytes > 0 || blocks > 0)
        add(leaks,
            (struct ms_leak){.context = site_context(leaks->contexts->summary, site, next_frame),
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

memscope_status ms_leaks_create(const struct ms_contexts *contexts,
                                struct ms_suppressions *suppressions, struct ms_leaks **leaks_out) {
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
    leaks->items = calloc(contexts->count + summary->site_count + 1, sizeof *leaks->items);
    leaks->frames = calloc(frames, sizeof *leaks->frames);
    if (!leaks->items || !leaks->frames) {
        ms_leaks_destroy(leaks);
        return MEMSCOPE_OUT_OF_MEMORY;
    }
    struct ms_stack_frame *next_frame = leaks->frames;
    for (size_t i = 0; i < summary->site_count; i++)
        add_site(leaks, &summary->sites[i], &next_frame);
    qsort(leaks->items, leaks->count, sizeof *leaks->items, compare_leaks);
    *leaks_out = leaks;
    return MEMSCOPE_OK;
}

bool ms_leaks_any(const struct ms_leaks *leaks) {
    const struct ms_summary *summary = leaks->contexts->summary;
    bool at_no_place = ms_sites_are_estimated(summary) && leaks->count == 0;
    return leaks->count > leaks->suppressed_count ||
           (at_no_place && summary->total.live_allocations > 0);
}

void ms_leaks_destroy(struct ms_leaks *leaks) {
    if (!leaks)
        return;
    free(leaks->items);
    free(leaks->frames);
    free(leaks);
}
