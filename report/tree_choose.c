// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which part of a tree of stacks is shown.

#define _GNU_SOURCE // qsort_r
#include "stack_views.h"

#include <stdlib.h>

static int compare(const void *left, const void *right, void *context) {
    const struct ms_stack_tree *tree = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    uint64_t x = tree->nodes[a].values[tree->options.by],
             y = tree->nodes[b].values[tree->options.by];
    return x != y ? (x > y ? -1 : 1) : (a > b) - (a < b);
}

// The heaviest N hang together: no node weighs more than the one above, nor stands in front of it.
static bool hide_all_but_top(const struct ms_stack_tree *tree, bool *shown, size_t top) {
    uint32_t *order = malloc(tree->node_count * sizeof *order);
    if (!order)
        return false;
    for (uint32_t i = 0; i < tree->node_count; i++)
        order[i] = i;
    qsort_r(order, tree->node_count, sizeof *order, compare, (void *)tree);
    // One more: the root is no row of its own.
    for (size_t i = top + 1; i < tree->node_count; i++)
        shown[order[i]] = false;
    free(order);
    return true;
}

bool *ms_tree_choose(const struct ms_stack_tree *tree, const struct ms_tree_options *options) {
    bool *shown = malloc(tree->node_count * sizeof *shown);
    if (!shown)
        return NULL;
    enum ms_stack_measure by = tree->options.by;
    double least = (double)tree->nodes[0].values[by] * options->min_percent / 100;
    for (uint32_t i = 0; i < tree->node_count; i++)
        shown[i] = (double)tree->nodes[i].values[by] >= least &&
                   (options->depth == 0 || tree->nodes[i].depth <= options->depth);
    if (options->top > 0 && options->top + 1 < tree->node_count &&
        !hide_all_but_top(tree, shown, options->top)) {
        free(shown);
        return NULL;
    }
    shown[0] = true;
    return shown;
}

struct ms_hidden ms_tree_hidden(const struct ms_stack_tree *tree, const bool *shown,
                                uint32_t node) {
    struct ms_hidden hidden = {0};
    enum ms_stack_measure by = tree->options.by;
    for (uint32_t i = tree->nodes[node].first; i != MS_NO_NODE; i = tree->nodes[i].next) {
        if (shown[i])
            continue;
        hidden.count++;
        hidden.value += tree->nodes[i].values[by];
    }
    return hidden;
}
