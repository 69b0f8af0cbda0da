// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds the tree: of each context a path of steps, and of each path a way down from the root.

#define _GNU_SOURCE // qsort_r
#include "stack_path.h"

#include <stdlib.h>
#include <string.h>

const char ms_several_owners[] = "(several)";

struct build {
    struct ms_stack_tree *tree;
    struct ms_stack_path path;
    uint32_t *children; // hash of (parent, step): node + 1
    size_t child_slots;
    uint32_t node_capacity;
};

static uint64_t add(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

uint64_t ms_stack_value(const struct ms_counts *counts, enum ms_stack_measure measure) {
    const uint64_t values[MS_STACK_MEASURES] = {
        [MS_STACKS_BY_LIVE] = counts->live_bytes,
        [MS_STACKS_BY_PEAK] = counts->peak_bytes,
        [MS_STACKS_BY_AT_PEAK] = counts->at_peak_bytes,
        [MS_STACKS_BY_TOTAL] = counts->bytes,
        [MS_STACKS_BY_COUNT] = counts->allocations,
        [MS_STACKS_BY_TEMPORARY] = counts->temporary,
    };
    return values[measure];
}

double ms_stack_variance(const struct ms_counts *counts, enum ms_stack_measure measure) {
    const double variances[MS_STACK_MEASURES] = {
        [MS_STACKS_BY_LIVE] = counts->variance.live_bytes,
        [MS_STACKS_BY_PEAK] = counts->variance.at_peak_bytes,
        [MS_STACKS_BY_AT_PEAK] = counts->variance.at_peak_bytes,
        [MS_STACKS_BY_TOTAL] = counts->variance.bytes,
        [MS_STACKS_BY_COUNT] = counts->variance.allocations,
        [MS_STACKS_BY_TEMPORARY] = counts->variance.allocations,
    };
    return variances[measure];
}

bool ms_stack_has_value(const struct ms_counts *counts) {
    bool any = counts->live_allocations > 0;
    for (int i = 0; i < MS_STACK_MEASURES; i++)
        any |= ms_stack_value(counts, (enum ms_stack_measure)i) > 0;
    return any;
}

static size_t child_hash(uint32_t parent, uint32_t step) {
    uint64_t hash = ((uint64_t)parent << 32 | step) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 24);
}

static bool grow_children(struct build *build) {
    size_t slots = build->child_slots ? 2 * build->child_slots : 4096;
    uint32_t *children = calloc(slots, sizeof *children);
    if (!children)
        return false;
    for (uint32_t i = 1; i < build->tree->node_count; i++) {
        const struct ms_stack_node *node = &build->tree->nodes[i];
        size_t at = child_hash(node->parent, node->step) & (slots - 1);
        while (children[at])
            at = (at + 1) & (slots - 1);
        children[at] = i + 1;
    }
    free(build->children);
    build->children = children;
    build->child_slots = slots;
    return true;
}

static bool add_node(struct build *build, uint32_t parent, uint32_t step) {
    struct ms_stack_tree *tree = build->tree;
    if (tree->node_count == build->node_capacity) {
        uint32_t capacity = build->node_capacity ? 2 * build->node_capacity : 1024;
        struct ms_stack_node *nodes =
            capacity > build->node_capacity ? realloc(tree->nodes, capacity * sizeof *nodes) : NULL;
        if (!nodes)
            return false;
        tree->nodes = nodes;
        build->node_capacity = capacity;
    }
    uint32_t depth = tree->node_count ? tree->nodes[parent].depth + 1 : 0;
    if (depth > tree->deepest)
        tree->deepest = depth;
    tree->nodes[tree->node_count++] =
        (struct ms_stack_node){.parent = parent, .step = step, .repeats = 1, .depth = depth};
    return true;
}

// MS_NO_NODE = out of memory.
static uint32_t child(struct build *build, uint32_t parent, uint32_t step) {
    struct ms_stack_tree *tree = build->tree;
    if (2 * (size_t)tree->node_count >= build->child_slots && !grow_children(build))
        return MS_NO_NODE;
    size_t at = child_hash(parent, step) & (build->child_slots - 1);
    for (; build->children[at]; at = (at + 1) & (build->child_slots - 1)) {
        uint32_t node = build->children[at] - 1;
        if (tree->nodes[node].parent == parent && tree->nodes[node].step == step)
            return node;
    }
    if (!add_node(build, parent, step))
        return MS_NO_NODE;
    build->children[at] = tree->node_count;
    return tree->node_count - 1;
}

static void count(struct ms_stack_node *node, const struct ms_counts *counts,
                  enum ms_stack_measure by, const char *owner) {
    node->is_estimated |= counts->is_estimated;
    node->variance += ms_stack_variance(counts, by);
    for (int i = 0; i < MS_STACK_MEASURES; i++)
        node->values[i] = add(node->values[i], ms_stack_value(counts, (enum ms_stack_measure)i));
    if (!node->owner)
        node->owner = owner;
    else if (node->owner != owner && strcmp(node->owner, owner) != 0)
        node->owner = ms_several_owners;
}

static bool grow_path(struct build *build, const struct ms_counts *counts, const char *owner) {
    bool outermost_first = build->tree->options.view != MS_STACKS_CALLERS;
    uint32_t node = 0;
    count(&build->tree->nodes[0], counts, build->tree->options.by, owner);
    for (size_t i = 0; i < build->path.length; i++) {
        const struct ms_stack_part *part =
            &build->path.parts[outermost_first ? build->path.length - 1 - i : i];
        node = child(build, node, part->step);
        if (node == MS_NO_NODE)
            return false;
        struct ms_stack_node *at = &build->tree->nodes[node];
        if (at->repeats < part->repeats)
            at->repeats = part->repeats;
        count(at, counts, build->tree->options.by, owner);
    }
    return true;
}

static bool take_context(struct build *build, const struct ms_context *context) {
    const char *owner = context->task ? context->task : context->thread;
    bool keep;
    if (!ms_stack_path_take(&build->path, context, &keep))
        return false;
    if (!keep)
        return true;
    build->tree->stack_count++;
    return grow_path(build, &context->counts, owner ? owner : ms_several_owners);
}

// What was counted by site alone.
static bool take_rest(struct build *build) {
    const struct ms_counts *without = &build->tree->contexts->without;
    if (!ms_filters_pass_stackless(&build->tree->options.filters) || !ms_stack_has_value(without))
        return true;
    return ms_stack_path_take_kind(&build->path, MS_STEP_WITHOUT) &&
           grow_path(build, without, ms_several_owners);
}

static int compare(const void *left, const void *right, void *context) {
    const struct ms_stack_tree *tree = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    uint64_t x = tree->nodes[a].values[tree->options.by],
             y = tree->nodes[b].values[tree->options.by];
    return x != y ? (x < y ? -1 : 1) : (a < b) - (a > b);
}

static bool link_children(struct ms_stack_tree *tree) {
    uint32_t *order = malloc(tree->node_count * sizeof *order);
    if (!order)
        return false;
    for (uint32_t i = 0; i < tree->node_count; i++)
        order[i] = i;
    qsort_r(order, tree->node_count, sizeof *order, compare, tree);
    // Least first, each in front of its siblings.
    for (uint32_t i = 0; i < tree->node_count; i++) {
        struct ms_stack_node *node = &tree->nodes[order[i]];
        if (order[i] == 0)
            continue;
        node->next = tree->nodes[node->parent].first;
        tree->nodes[node->parent].first = order[i];
    }
    free(order);
    return true;
}

static void sum_whole(struct ms_stack_tree *tree) {
    tree->is_estimated = tree->contexts->without.is_estimated;
    for (size_t k = 0; k < tree->contexts->count; k++)
        tree->is_estimated |= tree->contexts->items[k].counts.is_estimated;
    for (int i = 0; i < MS_STACK_MEASURES; i++) {
        enum ms_stack_measure measure = (enum ms_stack_measure)i;
        tree->whole[i] = ms_stack_value(&tree->contexts->without, measure);
        for (size_t k = 0; k < tree->contexts->count; k++)
            tree->whole[i] =
                add(tree->whole[i], ms_stack_value(&tree->contexts->items[k].counts, measure));
    }
}

memscope_status ms_stack_tree_create(const struct ms_contexts *contexts,
                                     const struct ms_stack_options *options,
                                     struct ms_stack_tree **tree_out) {
    struct ms_stack_tree *tree = calloc(1, sizeof *tree);
    struct build build = {.tree = tree};
    *tree_out = NULL;
    if (!tree)
        return MEMSCOPE_OUT_OF_MEMORY;
    tree->contexts = contexts;
    tree->options = *options;
    build.path.options = &tree->options;
    bool good = add_node(&build, 0, 0);
    for (size_t i = 0; good && i < contexts->count; i++)
        if (ms_stack_has_value(&contexts->items[i].counts))
            good = take_context(&build, &contexts->items[i]);
    good = good && take_rest(&build);
    tree->steps = build.path.steps.items;
    tree->step_count = build.path.steps.count;
    good = good && link_children(tree);
    sum_whole(tree);
    ms_stack_path_release(&build.path);
    free(build.children);
    if (!good) {
        ms_stack_tree_destroy(tree);
        return MEMSCOPE_OUT_OF_MEMORY;
    }
    *tree_out = tree;
    return MEMSCOPE_OK;
}

void ms_stack_tree_destroy(struct ms_stack_tree *tree) {
    if (!tree)
        return;
    free(tree->nodes);
    free(tree->steps);
    free(tree);
}

uint64_t ms_stack_own(const struct ms_stack_tree *tree, uint32_t node,
                      enum ms_stack_measure measure) {
    uint64_t own = tree->nodes[node].values[measure];
    for (uint32_t i = tree->nodes[node].first; i != MS_NO_NODE; i = tree->nodes[i].next)
        own -= tree->nodes[i].values[measure] < own ? tree->nodes[i].values[measure] : own;
    return own;
}

uint32_t ms_stack_next(const struct ms_stack_tree *tree, uint32_t node, bool down) {
    if (down && tree->nodes[node].first != MS_NO_NODE)
        return tree->nodes[node].first;
    while (node != 0 && tree->nodes[node].next == MS_NO_NODE)
        node = tree->nodes[node].parent;
    return node ? tree->nodes[node].next : MS_NO_NODE;
}
