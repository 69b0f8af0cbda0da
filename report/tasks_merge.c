// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The nodes of the task tree: tasks that are equal to a reader are one. Trees may be a million deep
// and a million wide: no recursion, and one pass over the tasks.

#include "tasks_report.h"

#include <stdlib.h>

#include "environment.h"

struct merge {
    const struct ms_tasks *tasks;
    const struct ms_tasks_options *options;
    bool *is_plumbing; // by class
    uint32_t *order;   // tasks, parents first
    uint32_t *node_of; // by task
    uint8_t *edge_of;  // by task: how those below it hang on its node, EDGE_OWN = as they say
    uint32_t *table;   // node + 1 by hash; 0 = none
    uint64_t table_mask;
    struct ms_task_node *nodes;
    uint32_t count, top;
};

#define EDGE_OWN UINT8_MAX

static uint64_t add(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

// By depth: the tasks of no parent, then their children, and so on.
static bool sort_parents_first(struct merge *merge) {
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

static bool are_equal(const struct merge *merge, const struct ms_task_node *node, uint32_t parent,
                      uint8_t edge, const struct ms_task *task) {
    const struct ms_task *other = &merge->tasks->tasks[node->task];
    return node->parent == parent && node->edge == edge && is_anonymous(other) &&
           other->task_class == task->task_class && other->state == task->state &&
           other->elided == task->elided && other->parent_gone == task->parent_gone;
}

static uint32_t new_node(struct merge *merge, uint32_t task, uint32_t parent, uint8_t edge) {
    bool is_root = parent == merge->top;
    merge->nodes[merge->count] =
        (struct ms_task_node){.task = task,
                              .parent = parent,
                              .edge = edge,
                              .depth = is_root ? 0 : merge->nodes[parent].depth + 1};
    return merge->count++;
}

static uint32_t equal_node(struct merge *merge, uint32_t i, uint32_t parent, uint8_t edge) {
    const struct ms_task *task = &merge->tasks->tasks[i];
    if (merge->options->all || !is_anonymous(task))
        return new_node(merge, i, parent, edge);
    uint64_t key = ((uint64_t)(uintptr_t)task->task_class >> 4) * 31 + parent;
    uint64_t slot = (key * 0x9E3779B97F4A7C15u) >> 32;
    for (;; slot++) {
        uint32_t *entry = &merge->table[slot & merge->table_mask];
        if (*entry == 0)
            return (*entry = new_node(merge, i, parent, edge) + 1) - 1;
        if (are_equal(merge, &merge->nodes[*entry - 1], parent, edge, task))
            return *entry - 1;
    }
}

static void place(struct merge *merge, uint32_t i) {
    const struct ms_task *task = &merge->tasks->tasks[i];
    bool has_parent = task->parent != MS_NO_TASK;
    uint32_t parent = has_parent ? merge->node_of[task->parent] : merge->top;
    uint8_t edge = has_parent && merge->edge_of[task->parent] != EDGE_OWN
                       ? merge->edge_of[task->parent]
                       : task->edge;
    bool fold = parent != merge->top && !merge->options->all && is_anonymous(task) &&
                task->task_class && merge->is_plumbing[task->task_class - merge->tasks->classes];
    merge->edge_of[i] = fold ? edge : EDGE_OWN;
    merge->node_of[i] = fold ? parent : equal_node(merge, i, parent, edge);
    struct ms_task_node *node = &merge->nodes[merge->node_of[i]];
    uint64_t weight = ms_task_weight(task, merge->options->order);
    // The oldest decides where age is the key.
    if (merge->options->order != MS_TASKS_BY_AGE)
        node->weight = add(node->weight, weight);
    else if (node->weight < weight)
        node->weight = weight;
    node->live_bytes = add(node->live_bytes, task->live_bytes);
    node->bytes = add(node->bytes, task->bytes);
    if (fold)
        return;
    node->tasks++;
    node->resumes += task->resumes;
    if (node->peak_bytes < task->peak_bytes)
        node->peak_bytes = task->peak_bytes;
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
                          .is_plumbing = calloc(tasks->class_count + 1, sizeof(bool)),
                          .order = malloc((count + 1) * sizeof(uint32_t)),
                          .node_of = malloc((count + 1) * sizeof(uint32_t)),
                          .edge_of = malloc(count + 1),
                          .table = calloc(slots, sizeof(uint32_t)),
                          .table_mask = slots - 1,
                          .nodes = calloc(count + 1, sizeof(struct ms_task_node)),
                          .top = (uint32_t)count};
    bool good = merge.is_plumbing && merge.order && merge.node_of && merge.edge_of && merge.table &&
                merge.nodes && sort_parents_first(&merge);
    if (good) {
        for (size_t i = 0; i < tasks->class_count; i++)
            merge.is_plumbing[i] = ms_plumbing_library(&tasks->classes[i]) != NULL;
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
    free(merge.is_plumbing);
    free(merge.order);
    free(merge.node_of);
    free(merge.edge_of);
    free(merge.table);
    return good ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
}

void ms_task_nodes_destroy(struct ms_task_nodes *nodes) {
    free(nodes->nodes);
    nodes->nodes = NULL;
}
