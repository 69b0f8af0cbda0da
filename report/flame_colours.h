// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Colours of a flame graph. Included by report/flame*.c alone.

#ifndef MEMSCOPE_REPORT_FLAME_COLOURS_H
#define MEMSCOPE_REPORT_FLAME_COLOURS_H

#include "stack_tree.h"

#define MS_FLAME_LEGEND_MOST 24

struct ms_flame_colours {
    bool by_task;
    uint32_t main_module;   // 0 = unknown
    const char *executable; // NULL = unknown
    uint32_t legend_count;
    struct {
        const char *name; // of a task or thread, or of a kind of modules
        unsigned colour;  // 0xRRGGBB
    } legend[MS_FLAME_LEGEND_MOST];
};

// Of the nodes that are drawn. Tasks get colours of their own, the heaviest first; those beyond the
// legend share one.
void ms_flame_colours_choose(struct ms_flame_colours *colours, const struct ms_stack_tree *tree,
                             const bool *drawn, bool by_task);
unsigned ms_flame_colour(const struct ms_flame_colours *colours, const struct ms_stack_tree *tree,
                         uint32_t node);

#endif
