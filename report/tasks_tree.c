// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tree of tasks. Of a big one the heaviest part is shown: a task weighs what it and all below
// it weigh, so the heaviest N always hang together. Trees may be a million deep: no recursion.

#define _GNU_SOURCE // qsort_r
#include "tasks_report.h"

#include <inttypes.h>
#include <stdlib.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"
#define INDENT_MOST 16

struct node {
    uint64_t weight; // of the task and all below it, as the live bytes are
    uint64_t live_bytes;
    uint32_t tasks;
    uint32_t first, next; // children that are shown, heaviest first; index + 1, 0 = none
    uint32_t shown_tasks; // of them and all below them
    uint64_t shown_live_bytes;
};

struct tree {
    const struct ms_summary *summary;
    const struct ms_task_node *own; // without those below
    struct node *nodes;             // the same, with those below
    uint32_t *order;
    uint32_t count;
};

static uint64_t add(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

static uint64_t sub(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

// Those below first: each stands behind its parent.
static void weigh(struct tree *tree, enum ms_task_order order) {
    for (uint32_t i = tree->count; i-- > 0;) {
        const struct ms_task_node *own = &tree->own[i];
        struct node *node = &tree->nodes[i], *above = &tree->nodes[own->parent];
        tree->order[i] = i;
        // The oldest below a task decides where age is the key.
        if (order != MS_TASKS_BY_AGE)
            node->weight = add(node->weight, own->weight);
        else if (node->weight < own->weight)
            node->weight = own->weight;
        node->live_bytes = add(node->live_bytes, own->live_bytes);
        node->tasks += own->tasks;
        if (order != MS_TASKS_BY_AGE)
            above->weight = add(above->weight, node->weight);
        else if (above->weight < node->weight)
            above->weight = node->weight;
        above->live_bytes = add(above->live_bytes, node->live_bytes);
        above->tasks += node->tasks;
    }
}

static int compare(const void *left, const void *right, void *context) {
    const struct tree *tree = context;
    const struct node *nodes = tree->nodes;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    if (nodes[a].weight != nodes[b].weight)
        return nodes[a].weight > nodes[b].weight ? -1 : 1;
    if (tree->own[a].depth != tree->own[b].depth)
        return tree->own[a].depth < tree->own[b].depth ? -1 : 1;
    return (a > b) - (a < b);
}

static void choose(struct tree *tree, size_t top) {
    qsort_r(tree->order, tree->count, sizeof *tree->order, compare, tree);
    uint32_t shown = top > 0 && top < tree->count ? (uint32_t)top : tree->count;
    // Lightest first, each in front of its siblings.
    for (uint32_t at = shown; at-- > 0;) {
        uint32_t i = tree->order[at];
        struct node *above = &tree->nodes[tree->own[i].parent];
        tree->nodes[i].next = above->first;
        above->first = i + 1;
        above->shown_tasks += tree->nodes[i].tasks;
        above->shown_live_bytes = add(above->shown_live_bytes, tree->nodes[i].live_bytes);
    }
}

// --- writing -----------------------------------------------------------------------------------

#define ROW "%11s  %11s  %11s  %11s  %12s  "

static void put_indent(FILE *out, uint32_t depth) {
    fprintf(out, "%*s", (int)(2 * (depth < INDENT_MOST ? depth : INDENT_MOST)), "");
    if (depth > INDENT_MOST)
        fprintf(out, "(%" PRIu32 ") ", depth);
}

static void put_task(FILE *out, const struct ms_summary *summary, const struct ms_task_node *own,
                     const struct ms_task *task) {
    // Of an ended task it matters no more who awaited it, once that has ended as well.
    bool is_alone = own->parent_gone && !ms_task_is_alive(task);
    if (own->parent_gone && !is_alone)
        fputs("(ended) ", out);
    if (own->edge != MEMSCOPE_EDGE_ROOT && !is_alone)
        fprintf(out, "%s ", ms_task_edge_name(own->edge));
    ms_put_task(out, summary, task);
    fprintf(out, "  %s", ms_task_state_name(task->state));
    if (task->elided)
        fputs(", elided", out);
}

static memscope_status put_row(const struct tree *tree, uint32_t i, FILE *out, unsigned width) {
    const struct ms_task_node *own = &tree->own[i];
    const struct ms_task *task = &tree->summary->tasks->tasks[own->task];
    const struct node *node = &tree->nodes[i];
    char text[5][MS_NUMBER_BYTES];
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (stream) {
        bool is_root = own->task < tree->summary->tasks->root_count;
        fprintf(stream, ROW, ms_format_bytes(own->live_bytes, text[0]),
                node->tasks > own->tasks ? ms_format_bytes(node->live_bytes, text[1]) : "",
                ms_format_bytes(own->peak_bytes, text[2]), ms_format_bytes(own->bytes, text[3]),
                is_root ? "" : ms_format_count(own->resumes, text[4]));
        put_indent(stream, own->depth);
        if (own->tasks > 1)
            fprintf(stream, "×%s ", ms_format_count(own->tasks, text[0]));
        if (own->library)
            fprintf(stream, "of %s's own (--all shows them)", own->library);
        else
            put_task(stream, tree->summary, own, task);
    }
    return ms_line_end(&line, out, width);
}

static void put_hidden(const struct tree *tree, uint32_t i, uint32_t depth, FILE *out) {
    const struct node *node = &tree->nodes[i];
    uint32_t below = node->tasks - tree->own[i].tasks;
    if (below == node->shown_tasks)
        return;
    uint64_t live_bytes = tree->own[i].live_bytes;
    char count[MS_NUMBER_BYTES], live[MS_NUMBER_BYTES];
    fprintf(out, ROW, "", "", "", "", "");
    put_indent(out, depth);
    fprintf(out, "… %s more, live %s (--top 0 shows all)\n",
            ms_format_count(below - node->shown_tasks, count),
            ms_format_bytes(sub(sub(node->live_bytes, live_bytes), node->shown_live_bytes), live));
}

static memscope_status put_nodes(const struct tree *tree, FILE *out, unsigned width) {
    uint32_t top = tree->count, at = top;
    memscope_status status = MEMSCOPE_OK;
    bool down = true;
    while (status == MEMSCOPE_OK) {
        if (down && tree->nodes[at].first) {
            at = tree->nodes[at].first - 1;
            status = put_row(tree, at, out, width);
            continue;
        }
        // All below is written.
        put_hidden(tree, at, at == top ? 0 : tree->own[at].depth + 1, out);
        if (at == top)
            return status;
        down = tree->nodes[at].next != 0;
        at = down ? tree->nodes[at].next - 1 : tree->own[at].parent;
        if (down)
            status = put_row(tree, at, out, width);
    }
    return status;
}

static memscope_status put_folded_row(FILE *out, const struct ms_summary *summary,
                                      const struct ms_task_class *one, unsigned width) {
    char text[3][MS_NUMBER_BYTES];
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (stream) {
        fprintf(stream, ROW, "", "",
                ms_format_bytes(one->measures[MEMSCOPE_MEASURE_PEAK].max, text[0]),
                ms_format_bytes(one->measures[MEMSCOPE_MEASURE_TOTAL].sum, text[1]), "");
        fprintf(stream, "×%s ended ", ms_format_count(one->ended, text[2]));
        if (summary)
            ms_put_class_and_place(stream, summary, one);
        else
            fprintf(stream, "of %s's own (--all shows them)", one->name);
    }
    return ms_line_end(&line, out, width);
}

// Ended tasks without a record of their own: "×1,200 ended session()". Half as many rows as tasks.
static memscope_status put_folded(FILE *out, const struct ms_summary *summary,
                                  const struct ms_tasks_options *options) {
    size_t chosen, count = 0, shown = (options->top + 1) / 2;
    struct ms_task_class own;
    const struct ms_task_class **list =
        ms_chosen_classes(summary->tasks, MS_TASKS_BY_TOTAL, options->all, &chosen, &own);
    if (!list)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < chosen; i++)
        if (list[i]->ended > 0)
            list[count++] = list[i];
    if (shown == 0 || shown > count)
        shown = count;
    memscope_status status = MEMSCOPE_OK;
    for (size_t i = 0; i < shown && status == MEMSCOPE_OK; i++)
        status = put_folded_row(out, summary, list[i], options->width);
    if (shown < count)
        fprintf(out, "… %zu more of ended tasks (--by-class shows all)\n", count - shown);
    if (own.ended > 0 && status == MEMSCOPE_OK)
        status = put_folded_row(out, NULL, &own, options->width);
    free(list);
    return status;
}

memscope_status ms_put_task_tree(FILE *out, const struct ms_summary *summary,
                                 const struct ms_tasks_options *options) {
    struct ms_task_nodes own;
    memscope_status status = ms_task_nodes_create(summary, options, &own);
    if (status != MEMSCOPE_OK)
        return status;
    struct tree tree = {.summary = summary, .own = own.nodes, .count = own.count};
    tree.nodes = calloc((size_t)tree.count + 1, sizeof *tree.nodes);
    tree.order = calloc((size_t)tree.count + 1, sizeof *tree.order);
    status = MEMSCOPE_OUT_OF_MEMORY;
    if (tree.nodes && tree.order) {
        weigh(&tree, options->order);
        choose(&tree, options->top);
        fprintf(out, "%s" ROW "%s%s\n", options->colour ? BOLD : "", "LIVE", "WITH BELOW", "PEAK",
                "TOTAL", "RESUMES", "TASK  (SPAWNED AT)  STATE", options->colour ? PLAIN : "");
        status = put_nodes(&tree, out, options->width);
        if (status == MEMSCOPE_OK)
            status = put_folded(out, summary, options);
    }
    free(tree.nodes);
    free(tree.order);
    ms_task_nodes_destroy(&own);
    return status;
}
