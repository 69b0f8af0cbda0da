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
    uint32_t tasks, depth;
    uint32_t first, next; // children that are shown, heaviest first; index + 1, 0 = none
    uint32_t shown_tasks; // of them and all below them
    uint64_t shown_live_bytes;
};

struct tree {
    const struct ms_tasks *tasks;
    struct node *nodes; // as tasks->tasks; one more: above all roots
    uint32_t *order;
    uint32_t count;
};

static uint64_t add(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

static uint64_t sub(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

static uint32_t parent_of(const struct tree *tree, uint32_t i) {
    uint32_t parent = tree->tasks->tasks[i].parent;
    return parent == MS_NO_TASK ? tree->count : parent;
}

// Leaves first: each task is added to its parent once all below it have been added to it.
static bool weigh(struct tree *tree, enum ms_task_order order) {
    uint32_t *waiting = calloc(tree->count + 1, sizeof *waiting);
    uint32_t end = 0;
    if (!waiting)
        return false;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct ms_task *task = &tree->tasks->tasks[i];
        tree->nodes[i].weight = ms_task_weight(task, order);
        tree->nodes[i].live_bytes = task->live_bytes;
        tree->nodes[i].tasks = 1;
        waiting[parent_of(tree, i)]++;
    }
    for (uint32_t i = 0; i < tree->count; i++)
        if (waiting[i] == 0)
            tree->order[end++] = i;
    for (uint32_t at = 0; at < end; at++) {
        uint32_t i = tree->order[at], parent = parent_of(tree, i);
        struct node *node = &tree->nodes[i], *above = &tree->nodes[parent];
        // The oldest below a task decides where age is the key.
        if (order != MS_TASKS_BY_AGE)
            above->weight = add(above->weight, node->weight);
        else if (above->weight < node->weight)
            above->weight = node->weight;
        above->live_bytes = add(above->live_bytes, node->live_bytes);
        above->tasks += node->tasks;
        if (--waiting[parent] == 0 && parent != tree->count)
            tree->order[end++] = parent;
    }
    for (uint32_t at = end; at-- > 0;) { // parents first
        uint32_t i = tree->order[at], parent = parent_of(tree, i);
        tree->nodes[i].depth = parent == tree->count ? 0 : tree->nodes[parent].depth + 1;
    }
    free(waiting);
    return true;
}

static int compare(const void *left, const void *right, void *context) {
    const struct node *nodes = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    if (nodes[a].weight != nodes[b].weight)
        return nodes[a].weight > nodes[b].weight ? -1 : 1;
    if (nodes[a].depth != nodes[b].depth)
        return nodes[a].depth < nodes[b].depth ? -1 : 1;
    return (a > b) - (a < b);
}

static void choose(struct tree *tree, size_t top) {
    qsort_r(tree->order, tree->count, sizeof *tree->order, compare, tree->nodes);
    uint32_t shown = top > 0 && top < tree->count ? (uint32_t)top : tree->count;
    // Lightest first, each in front of its siblings.
    for (uint32_t at = shown; at-- > 0;) {
        uint32_t i = tree->order[at];
        struct node *above = &tree->nodes[parent_of(tree, i)];
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

static memscope_status put_row(const struct tree *tree, uint32_t i, FILE *out,
                               const struct ms_summary *summary, unsigned width) {
    const struct ms_task *task = &tree->tasks->tasks[i];
    const struct node *node = &tree->nodes[i];
    char text[5][MS_NUMBER_BYTES];
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (stream) {
        bool is_root = i < tree->tasks->root_count;
        fprintf(stream, ROW, ms_format_bytes(task->live_bytes, text[0]),
                node->tasks > 1 ? ms_format_bytes(node->live_bytes, text[1]) : "",
                ms_format_bytes(task->peak_bytes, text[2]), ms_format_bytes(task->bytes, text[3]),
                is_root ? "" : ms_format_count(task->resumes, text[4]));
        put_indent(stream, node->depth);
        if (task->parent_gone)
            fputs("(ended) ", stream);
        if (task->edge != MEMSCOPE_EDGE_ROOT)
            fprintf(stream, "%s ", ms_task_edge_name(task->edge));
        ms_put_task(stream, summary, task);
        fprintf(stream, "  %s", ms_task_state_name(task->state));
        if (task->elided)
            fputs(", elided", stream);
    }
    return ms_line_end(&line, out, width);
}

static void put_hidden(const struct tree *tree, uint32_t i, uint32_t depth, FILE *out) {
    const struct node *node = &tree->nodes[i];
    uint32_t below = node->tasks - (i < tree->count ? 1 : 0);
    if (below == node->shown_tasks)
        return;
    uint64_t live_bytes = i < tree->count ? tree->tasks->tasks[i].live_bytes : 0;
    char count[MS_NUMBER_BYTES], live[MS_NUMBER_BYTES];
    fprintf(out, ROW, "", "", "", "", "");
    put_indent(out, depth);
    fprintf(out, "… %s more, live %s (--top 0 shows all)\n",
            ms_format_count(below - node->shown_tasks, count),
            ms_format_bytes(sub(sub(node->live_bytes, live_bytes), node->shown_live_bytes), live));
}

static memscope_status put_nodes(const struct tree *tree, FILE *out,
                                 const struct ms_summary *summary, unsigned width) {
    uint32_t top = tree->count, at = top;
    memscope_status status = MEMSCOPE_OK;
    bool down = true;
    while (status == MEMSCOPE_OK) {
        if (down && tree->nodes[at].first) {
            at = tree->nodes[at].first - 1;
            status = put_row(tree, at, out, summary, width);
            continue;
        }
        // All below is written.
        put_hidden(tree, at, at == top ? 0 : tree->nodes[at].depth + 1, out);
        if (at == top)
            return status;
        down = tree->nodes[at].next != 0;
        at = down ? tree->nodes[at].next - 1 : parent_of(tree, at);
        if (down)
            status = put_row(tree, at, out, summary, width);
    }
    return status;
}

// Ended tasks without a record of their own: "×1,200 session()".
static memscope_status put_folded(FILE *out, const struct ms_summary *summary,
                                  const struct ms_tasks_options *options) {
    const struct ms_tasks *tasks = summary->tasks;
    const struct ms_task_class **list = malloc((tasks->class_count + 1) * sizeof *list);
    size_t count = 0, shown;
    if (!list)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < tasks->class_count; i++)
        if (tasks->classes[i].ended > 0)
            list[count++] = &tasks->classes[i];
    ms_task_classes_sort(list, count, MS_TASKS_BY_TOTAL);
    shown = options->top > 0 && options->top < count ? options->top : count;
    memscope_status status = MEMSCOPE_OK;
    for (size_t i = 0; i < shown && status == MEMSCOPE_OK; i++) {
        char text[3][MS_NUMBER_BYTES];
        struct ms_line line;
        FILE *stream = ms_line_begin(&line);
        if (stream) {
            fprintf(stream, ROW, "", "",
                    ms_format_bytes(list[i]->measures[MEMSCOPE_MEASURE_PEAK].max, text[0]),
                    ms_format_bytes(list[i]->measures[MEMSCOPE_MEASURE_TOTAL].sum, text[1]), "");
            fprintf(stream, "×%s ended ", ms_format_count(list[i]->ended, text[2]));
            ms_put_class_and_place(stream, summary, list[i]);
        }
        status = ms_line_end(&line, out, options->width);
    }
    if (shown < count)
        fprintf(out, "… %zu more of ended tasks (--by-class shows all)\n", count - shown);
    free(list);
    return status;
}

memscope_status ms_put_task_tree(FILE *out, const struct ms_summary *summary,
                                 const struct ms_tasks_options *options) {
    struct tree tree = {.tasks = summary->tasks, .count = (uint32_t)summary->tasks->task_count};
    tree.nodes = calloc((size_t)tree.count + 1, sizeof *tree.nodes);
    tree.order = calloc((size_t)tree.count + 1, sizeof *tree.order);
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    if (tree.nodes && tree.order && weigh(&tree, options->order)) {
        choose(&tree, options->top);
        fprintf(out, "%s" ROW "%s%s\n", options->colour ? BOLD : "", "LIVE", "WITH BELOW", "PEAK",
                "TOTAL", "RESUMES", "TASK  (SPAWNED AT)  STATE", options->colour ? PLAIN : "");
        status = put_nodes(&tree, out, summary, options->width);
        if (status == MEMSCOPE_OK)
            status = put_folded(out, summary, options);
    }
    free(tree.nodes);
    free(tree.order);
    return status;
}
