// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The nodes of the task tree: tasks that are equal to a reader are one. Trees may be a million deep
// and a million wide: no recursion, and one pass over the tasks.

#include "tasks_report.h"

#include <stdlib.h>
#include <string.h>

#include "environment.h"

// Where those below a task hang, and, where it is folded, how: as it did.
struct below {
    uint32_t node;
    uint8_t edge;
    bool parent_gone, folded;
};

struct merge {
    const struct ms_tasks *tasks;
    const struct ms_tasks_options *options;
    const char **library; // by class: whose own it is, NULL = none's
    uint32_t *order;      // tasks, parents first
    struct below *below;  // by task
    uint32_t *table;      // node + 1 by hash; 0 = none
    uint64_t table_mask;
    struct ms_task_node *nodes;
    uint32_t count, top;
    uint32_t own; // the node of the folded ones with no task above, + 1; 0 = none yet
};

static uint64_t add(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

// By depth: the tasks of no parent, then their children, and so on.
static bool sort_parents_first(const struct merge *merge) {
    size_t count = merge->tasks->task_count;
    uint32_t *first = calloc(count + 1, sizeof *first); // child + 1; of the top the last
    uint32_t *next = calloc(count + 1, sizeof *next);
    if (first && next) {
        uint32_t end = 0;
        for (size_t i = count; i-- > 0;) {
            uint32_t parent = merge->tasks->tasks[i].parent;
            uint32_t *list = &first[parent == MS_NO_TASK ? count : parent];
            next[i] = *list;
            *list = (uint32_t)i + 1;
        }
        for (uint32_t child = first[count]; child; child = next[child - 1])
            merge->order[end++] = child - 1;
        for (uint32_t at = 0; at < end; at++)
            for (uint32_t child = first[merge->order[at]]; child; child = next[child - 1])
                merge->order[end++] = child - 1;
    }
    bool good = first && next;
    free(first);
    free(next);
    return good;
}

static bool is_anonymous(const struct ms_task *task) {
    return task->kind != MEMSCOPE_TASK_THREAD && !task->name && !task->label;
}

static bool are_equal(const struct merge *merge, const struct ms_task_node *node,
                      const struct below *hangs, const struct ms_task *task) {
    const struct ms_task *other = &merge->tasks->tasks[node->task];
    return node->parent == hangs->node && node->edge == hangs->edge &&
           node->parent_gone == hangs->parent_gone && other->task_class == task->task_class &&
           other->state == task->state && other->elided == task->elided;
}

static uint32_t new_node(struct merge *merge, uint32_t task, const struct below *hangs) {
    bool is_root = hangs->node == merge->top;
    merge->nodes[merge->count] =
        (struct ms_task_node){.task = task,
                              .parent = hangs->node,
                              .edge = hangs->edge,
                              .parent_gone = hangs->parent_gone,
                              .depth = is_root ? 0 : merge->nodes[hangs->node].depth + 1};
    return merge->count++;
}

static uint32_t equal_node(struct merge *merge, uint32_t i, const struct below *hangs) {
    const struct ms_task *task = &merge->tasks->tasks[i];
    if (merge->options->all || !is_anonymous(task))
        return new_node(merge, i, hangs);
    uint64_t key = ((uint64_t)(uintptr_t)task->task_class >> 4) * 31 + hangs->node;
    uint64_t slot = (key * 0x9E3779B97F4A7C15u) >> 32;
    for (;; slot++) {
        uint32_t *entry = &merge->table[slot & merge->table_mask];
        if (*entry == 0)
            return (*entry = new_node(merge, i, hangs) + 1) - 1;
        if (are_equal(merge, &merge->nodes[*entry - 1], hangs, task))
            return *entry - 1;
    }
}

static uint32_t own_node(struct merge *merge, uint32_t i, const char *library) {
    if (merge->own == 0) {
        const struct below top = {.node = merge->top, .edge = MEMSCOPE_EDGE_ROOT};
        merge->own = new_node(merge, i, &top) + 1;
        merge->nodes[merge->own - 1].library = library;
    }
    struct ms_task_node *node = &merge->nodes[merge->own - 1];
    if (strcmp(node->library, library) != 0)
        node->library = "libraries";
    return merge->own - 1;
}

// `folded`: into the node of another task, whose own numbers stay its.
static void count_in(struct ms_task_node *node, const struct ms_task *task,
                     enum ms_task_order order, bool folded) {
    uint64_t weight = ms_task_weight(task, order);
    // The oldest decides where age is the key.
    if (order != MS_TASKS_BY_AGE)
        node->weight = add(node->weight, weight);
    else if (node->weight < weight)
        node->weight = weight;
    node->live_bytes = add(node->live_bytes, task->live_bytes);
    node->bytes = add(node->bytes, task->bytes);
    if (folded)
        return;
    node->tasks++;
    node->resumes += task->resumes;
    if (node->peak_bytes < task->peak_bytes)
        node->peak_bytes = task->peak_bytes;
}

static void place(struct merge *merge, uint32_t i) {
    const struct ms_task *task = &merge->tasks->tasks[i];
    const struct below *parent = task->parent != MS_NO_TASK ? &merge->below[task->parent] : NULL;
    struct below hangs = {parent ? parent->node : merge->top, task->edge, task->parent_gone, false};
    if (parent && parent->folded) {
        hangs.edge = parent->edge;
        hangs.parent_gone = parent->parent_gone;
    }
    const char *library = task->task_class && is_anonymous(task) && !merge->options->all
                              ? merge->library[task->task_class - merge->tasks->classes]
                              : NULL;
    uint32_t node = hangs.node;
    if (!library)
        node = equal_node(merge, i, &hangs);
    else if (node == merge->top)
        node = own_node(merge, i, library);
    merge->below[i] = library ? hangs : (struct below){.node = node};
    merge->below[i].folded = library != NULL;
    count_in(&merge->nodes[node], task, merge->options->order,
             library && !merge->nodes[node].library);
}

memscope_status ms_task_nodes_create(const struct ms_summary *summary,
                                     const struct ms_tasks_options *options,
                                     struct ms_task_nodes *nodes_out) {
    const struct ms_tasks *tasks = summary->tasks;
    size_t count = tasks->task_count, slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    struct merge merge = {.tasks = tasks,
                          .options = options,
                          .library = calloc(tasks->class_count + 1, sizeof(const char *)),
                          .order = calloc(count + 1, sizeof(uint32_t)),
                          .below = calloc(count + 1, sizeof(struct below)),
                          .table = calloc(slots, sizeof(uint32_t)),
                          .table_mask = slots - 1,
                          .nodes = calloc(count + 1, sizeof(struct ms_task_node)),
                          .top = (uint32_t)count};
    bool good = merge.library && merge.order && merge.below && merge.table && merge.nodes &&
                sort_parents_first(&merge);
    if (good) {
        for (size_t i = 0; i < tasks->class_count; i++)
            merge.library[i] = ms_plumbing_library(&tasks->classes[i]);
        for (size_t i = 0; i < count; i++)
            place(&merge, merge.order[i]);
        // The top moves right behind the others.
        for (uint32_t i = 0; i < merge.count; i++)
            if (merge.nodes[i].parent == merge.top)
                merge.nodes[i].parent = merge.count;
        merge.nodes[merge.count] = (struct ms_task_node){.task = MS_NO_TASK};
        *nodes_out = (struct ms_task_nodes){merge.nodes, merge.count};
    } else {
        free(merge.nodes);
    }
    free(merge.library);
    free(merge.order);
    free(merge.below);
    free(merge.table);
    return good ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
}

void ms_task_nodes_destroy(struct ms_task_nodes *nodes) {
    free(nodes->nodes);
    nodes->nodes = NULL;
}
