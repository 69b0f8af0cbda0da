// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reports of tasks: what `memscope tasks` shows. As in report.h, all text is cleaned.

#ifndef MEMSCOPE_REPORT_TASKS_REPORT_H
#define MEMSCOPE_REPORT_TASKS_REPORT_H

#include <profile/tasks.h>

#include "report.h"

enum ms_tasks_view {
    MS_TASKS_TREE,
    MS_TASKS_CLASSES,
    MS_TASKS_LIVE,
    MS_TASKS_OUTLIVED,
    MS_TASKS_TRANSFERS,
};

struct ms_tasks_options {
    enum ms_tasks_view view;
    enum ms_task_order order;
    size_t top;         // rows, 0 = all
    bool all;           // libraries' own coroutines, and of the tree each task by itself
    bool colour;        // terminal escapes
    unsigned width;     // columns; longer lines are cut, 0 = never
    const char *status; // what the reader had to say of the profile, NULL = nothing
};

memscope_status ms_report_tasks(const struct ms_summary *summary,
                                const struct ms_tasks_options *options, FILE *out);
// The members of ms_report_json that are about tasks; tasks[] has what the view shows.
memscope_status ms_report_tasks_json(const struct ms_summary *summary,
                                     const struct ms_tasks_options *options, FILE *out);
// The part of the summary that fits a screen; nothing where there are no tasks.
memscope_status ms_put_task_classes(FILE *out, const struct ms_summary *summary,
                                    const struct ms_report_options *options);

// --- pieces ------------------------------------------------------------------------------------

// "session()", what the program called it, or what else is known
void ms_put_class(FILE *out, const struct ms_summary *summary,
                  const struct ms_task_class *task_class);
// The same and "  (server.cc:41)", where it was started
void ms_put_class_and_place(FILE *out, const struct ms_summary *summary,
                            const struct ms_task_class *task_class);
// Of a root task the thread's name.
void ms_put_task(FILE *out, const struct ms_summary *summary, const struct ms_task *task);
void ms_put_party(FILE *out, const struct ms_summary *summary, const struct ms_party *party);
// "after 1.2 s", since the start of the process
void ms_put_after(FILE *out, const struct ms_summary *summary, uint64_t at_ns);
// Whether the view shows the task.
bool ms_tasks_view_has(enum ms_tasks_view view, const struct ms_task *task);
// The classes to show, in order. Without `all` those of libraries' own coroutines are left out and
// stand in *own_out together: their numbers, and how many classes. NULL = out of memory.
const struct ms_task_class **ms_chosen_classes(const struct ms_tasks *tasks,
                                               enum ms_task_order order, bool all,
                                               size_t *count_out, struct ms_task_class *own_out);

// --- the tree, merged (tasks_merge.c) ------------------------------------------------------------

// A row of the tree: a task, or equal tasks below equal ones. The last node of the array stands
// above all.
struct ms_task_node {
    uint32_t task;  // the first of them
    uint32_t tasks; // how many
    uint32_t parent, depth;
    uint32_t resumes;
    uint8_t edge;
    bool parent_gone;
    const char *library; // whose own coroutines these are, with no task above them; else NULL
    uint64_t weight, live_bytes, bytes, peak_bytes; // the highest peak
};

struct ms_task_nodes {
    struct ms_task_node *nodes; // each behind its parent, but for the last
    uint32_t count;
};

// Without `all`, a library's own coroutines are counted with the task above them, or in a node for
// all that have none; and siblings of the same class and state are one node, and so are then those
// below them.
memscope_status ms_task_nodes_create(const struct ms_summary *summary,
                                     const struct ms_tasks_options *options,
                                     struct ms_task_nodes *nodes_out);
void ms_task_nodes_destroy(struct ms_task_nodes *nodes);

memscope_status ms_put_task_tree(FILE *out, const struct ms_summary *summary,
                                 const struct ms_tasks_options *options);
memscope_status ms_put_outlived(FILE *out, const struct ms_summary *summary,
                                const struct ms_tasks_options *options);

#endif
