// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reader_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <profile/blocks.h>
#include <profile/contexts.h>
#include <report/leaks.h>
#include <report/memscope_rs.h>
#include <report/stack_views.h>
#include <report/tasks_report.h>

static void promise(int kept, const char *what) {
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

// The sums of the parts are the whole.
static void check_sums(const struct ms_summary *summary) {
    unsigned __int128 sites = 0, cells = 0;
    for (size_t i = 0; i < summary->site_count; i++)
        sites += summary->sites[i].counts.bytes;
    for (size_t i = 0; i < summary->cell_count; i++)
        cells += summary->cells[i].counts.bytes;
    uint64_t whole = summary->all_sites.bytes;
    if (whole != UINT64_MAX) {
        promise(sites == whole, "bytes of sites are their total");
        promise(cells == whole, "bytes of cells are the sites'");
    }
    if (!ms_sites_are_estimated(summary))
        promise(whole == summary->total.bytes, "bytes of sites are the total");
    promise(summary->total.live_bytes <= summary->total.bytes, "no more lives than was allocated");
    promise(summary->total.peak_bytes >= summary->total.live_bytes,
            "the peak is no lower than now");
}

// Every byte has one owner, and parents never lead in a circle.
static void check_tasks(const struct ms_summary *summary) {
    const struct ms_tasks *tasks = summary->tasks;
    unsigned __int128 bytes = tasks->unowned.bytes;
    for (size_t i = 0; i < tasks->class_count; i++) {
        const struct ms_task_class *one = &tasks->classes[i];
        bytes += one->counts.bytes;
        promise(one->alive <= one->started, "no more tasks are alive than began");
        for (int m = 0; m < MEMSCOPE_MEASURES; m++)
            promise(one->measures[m].p50 <= one->measures[m].p99 &&
                        one->measures[m].p99 <= one->measures[m].max,
                    "percentiles rise up to the maximum");
    }
    for (size_t i = 0; i < tasks->root_count; i++)
        bytes += tasks->tasks[i].bytes;
    if (summary->total.bytes != UINT64_MAX)
        promise(bytes == summary->total.bytes, "bytes of classes and root tasks are the total");
    for (size_t i = 0; i < tasks->task_count; i++) {
        size_t steps = 0;
        for (uint32_t at = (uint32_t)i; at != MS_NO_TASK; at = tasks->tasks[at].parent)
            promise(steps++ < tasks->task_count, "parents lead to a root");
    }
}

// Every byte has one context or none; a stack goes from calls over awaiting tasks to its start.
static void check_contexts(const struct ms_summary *summary, const struct ms_contexts *contexts) {
    unsigned __int128 bytes = contexts->without.bytes;
    for (size_t i = 0; i < contexts->count; i++) {
        const struct ms_context *one = &contexts->items[i];
        bytes += one->counts.bytes;
        promise(one->counts.live_bytes <= one->counts.peak_bytes, "a context's peak is no lower");
        for (uint32_t k = 1; k < one->frame_count; k++)
            promise(ms_context_frame(one, k)->kind >= ms_context_frame(one, k - 1)->kind,
                    "a start is the last frame");
        promise(i == 0 || one->site >= contexts->items[i - 1].site, "contexts stand by site");
    }
    if (summary->all_sites.bytes != UINT64_MAX)
        promise(bytes == summary->all_sites.bytes, "bytes of contexts are those of sites");
}

// None for half of the inputs.
static const struct ms_stack_filters *filters_for(const struct ms_contexts *contexts) {
    static struct ms_stack_filter ignore = {.text = "^b"}, hide = {.text = "a|\\.so"};
    static const struct ms_stack_filters filters = {.ignore = &ignore, .hide = &hide};
    static bool is_ready;
    if (!is_ready)
        is_ready = regcomp(&ignore.regex, ignore.text, REG_EXTENDED | REG_NOSUB) == 0 &&
                   regcomp(&hide.regex, hide.text, REG_EXTENDED | REG_NOSUB) == 0;
    promise(is_ready, "the filters are right");
    return contexts->summary->total.bytes % 2 ? &filters : NULL;
}

static void report_leaks(const struct ms_contexts *contexts, const char *message, FILE *out) {
    struct ms_suppression suppression = {.pattern = (char *)"a*.cc$", .line = 1};
    struct ms_suppressions suppressions = {1, &suppression};
    struct ms_leaks_options options = {.top = 5, .width = 90, .status = message};
    struct ms_leaks *leaks;
    if (ms_leaks_create(contexts, &suppressions, filters_for(contexts), &leaks) != MEMSCOPE_OK)
        return;
    promise(leaks->suppressed_count <= leaks->count, "no more is suppressed than lives");
    promise(leaks->count <= leaks->all.count, "filters add nothing");
    ms_report_leaks(leaks, &options, out);
    ms_report_leaks_json(leaks, &options, out);
    ms_leaks_destroy(leaks);
}

static void report_tasks(const struct ms_summary *summary, const char *message, FILE *out) {
    for (int view = MS_TASKS_TREE; view <= MS_TASKS_TRANSFERS; view++) {
        struct ms_tasks_options options = {.view = (enum ms_tasks_view)view,
                                           .order = (enum ms_task_order)view,
                                           .top = (size_t)view * 3,
                                           .width = 90,
                                           .status = message};
        ms_report_tasks(summary, &options, out);
        if (view == MS_TASKS_LIVE) // the whole is in the report's JSON
            ms_report_tasks_json(summary, &options, out);
    }
}

// The tree holds every byte, whichever way round.
static void report_tree(const struct ms_contexts *contexts, enum ms_stack_view view,
                        const char *message, FILE *out) {
    const struct ms_stack_options options = {.view = view, .by = MS_STACKS_BY_TOTAL};
    const struct ms_tree_options shown = {.min_percent = 1, .width = 90, .status = message};
    const struct ms_flame_options flame = {.by_task = view == MS_STACKS_TASKS};
    struct ms_stack_tree *tree;
    if (ms_stack_tree_create(contexts, &options, &tree) != MEMSCOPE_OK)
        return;
    if (contexts->summary->all_sites.bytes != UINT64_MAX)
        promise(tree->nodes[0].values[MS_STACKS_BY_TOTAL] == contexts->summary->all_sites.bytes,
                "bytes of the tree are those of sites");
    ms_report_tree(tree, &shown, out);
    if (view == MS_STACKS_CALLERS)
        ms_report_tree_json(tree, &shown, out);
    else
        ms_put_flame(tree, &flame, out);
    ms_stack_tree_destroy(tree);
}

static void report_stacks(const struct ms_contexts *contexts, const char *message, FILE *out) {
    char *packed = NULL;
    size_t bytes = 0;
    // One of the views for each input: time is short.
    report_tree(contexts, (enum ms_stack_view)(contexts->summary->total.bytes % 3), message, out);
    ms_put_collapsed(contexts, MS_STACKS_BY_LIVE, filters_for(contexts), out);
    FILE *stream = open_memstream(&packed, &bytes);
    if (stream) {
        ms_put_pprof(contexts, filters_for(contexts), stream);
        fclose(stream);
    }
    free(packed);
}

// The lists keep to their limit; every file is JSON of some kind, whatever the profile holds.
static void report_blocks(const struct ms_summary *summary, FILE *out) {
    struct ms_blocks *blocks;
    struct ms_rs *rs;
    if (ms_blocks_read(summary, &blocks) == MEMSCOPE_OK) {
        promise(blocks->sample_count <= blocks->limit, "a sample is no larger than its limit");
        for (size_t i = 1; i < blocks->sample_count; i++)
            promise(blocks->sample[i - 1].number <= blocks->sample[i].number,
                    "freed blocks stand in order");
        ms_blocks_destroy(blocks);
    }
    if (ms_rs_create(summary, &rs) != MEMSCOPE_OK)
        return;
    for (size_t i = 0; ms_rs_file_name(i); i++)
        promise(ms_put_rs_file(rs, i, out) == MEMSCOPE_OK, "every file is written");
    promise(ms_put_rs_strategy(rs, out) == MEMSCOPE_OK, "the strategy's file is written");
    ms_rs_destroy(rs);
}

static void report(const struct ms_summary *summary, const struct ms_contexts *contexts,
                   const char *message) {
    char *text = NULL;
    size_t bytes = 0;
    struct ms_place place = {.file = "a.c", .line = 1};
    struct ms_report_options options = {
        .order = MS_ORDER_LIVE, .width = 80, .status = message, .contexts = contexts, .stacks = 5};
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return;
    ms_report_text(summary, &options, out);
    ms_report_info(summary, &options, out);
    ms_report_by(summary, MS_BY_TYPE, &options, out);
    ms_report_site(summary, &place, &options, out);
    ms_report_json(summary, NULL, &options, out);
    report_tasks(summary, message, out);
    report_leaks(contexts, message, out);
    report_stacks(contexts, message, out);
    report_blocks(summary, out);
    fclose(out);
    for (size_t i = 0; i < bytes; i++)
        promise((unsigned char)text[i] >= 0x20 || text[i] == '\n', "no control character gets out");
    free(text);
}

void reader_target(const uint8_t *bytes, size_t byte_count) {
    struct ms_profile *profile;
    struct ms_summary *summary;
    char message[MS_MESSAGE_BYTES];
    memscope_status status = ms_profile_from_memory("x.msp", bytes, byte_count, &profile, message);
    promise((status == MEMSCOPE_OK) == (message[0] == '\0'), "a message exactly where it fails");
    promise(status != MEMSCOPE_OK || profile != NULL, "a profile where it succeeds");
    promise(status == MEMSCOPE_OK || strncmp(message, "x.msp: ", 7) == 0,
            "the message names the file");
    if (!profile)
        return;
    if (ms_summary_create(profile, &summary) == MEMSCOPE_OK) {
        check_sums(summary);
        struct ms_contexts *contexts;
        check_tasks(summary);
        if (ms_contexts_create(summary, NULL, &contexts) == MEMSCOPE_OK) {
            check_contexts(summary, contexts);
            report(summary, contexts, status == MEMSCOPE_OK ? NULL : message);
            ms_contexts_destroy(contexts);
        }
        ms_summary_destroy(summary);
    }
    ms_profile_close(profile);
}
