// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a frame's colour says: whose code it is, or whose memory.

#include "flame_colours.h"

#include <string.h>

#include "report.h"

enum kind { KIND_PROGRAM, KIND_LIBRARY, KIND_SYSTEM, KIND_TASK, KIND_UNKNOWN, KINDS };

static const struct {
    const char *name;
    unsigned colour;
} kinds[KINDS] = {
    [KIND_PROGRAM] = {"program", 0xF0905A},
    [KIND_LIBRARY] = {"its libraries", 0xEFC45B},
    [KIND_SYSTEM] = {"system libraries", 0x86B9DD},
    [KIND_TASK] = {"task or thread", 0xB9A0DC},
    [KIND_UNKNOWN] = {"runtime or unknown", 0xC4C4C4},
};

#define SEVERAL 0xC4C4C4u
static const unsigned palette[] = {0xF0905A, 0x86B9DD, 0x8CC98C, 0xEFC45B, 0xB9A0DC, 0xE59AB5,
                                   0x7CC7C0, 0xC9A98A, 0xA8B8E8, 0xC6D468, 0xE2836F, 0x9DBBA0};
#define PALETTE (sizeof palette / sizeof *palette)

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static enum kind kind_of(const struct ms_flame_colours *colours, const struct ms_step *step) {
    if (step->kind == MS_STEP_TASK || step->kind == MS_STEP_THREAD)
        return KIND_TASK;
    if (step->kind == MS_STEP_FOLDED)
        return KIND_LIBRARY;
    const char *path = step->kind < MS_STEP_TASK && step->module ? step->module->path : NULL;
    // A source line without a module is one of instrumented code.
    if (step->file && !step->module)
        return KIND_PROGRAM;
    if (step->module && step->module->id == colours->main_module)
        return KIND_PROGRAM;
    if (!path || starts(ms_base_name(path), "libmemscope"))
        return KIND_UNKNOWN;
    if (colours->executable && strcmp(path, colours->executable) == 0)
        return KIND_PROGRAM;
    return ms_is_system_file(path) || starts(path, "/lib") || starts(path, "[vdso]") ||
                   starts(path, "linux-vdso")
               ? KIND_SYSTEM
               : KIND_LIBRARY;
}

// Neighbours of one kind are told apart by a shade of the function's own.
static unsigned shade(unsigned colour, const char *function) {
    static const unsigned percents[] = {100, 95, 90};
    unsigned hash = 0;
    for (; function && *function; function++)
        hash = 31 * hash + (unsigned char)*function;
    unsigned percent = percents[hash % 3];
    return (colour >> 16) * percent / 100 << 16 | (colour >> 8 & 0xFF) * percent / 100 << 8 |
           (colour & 0xFF) * percent / 100;
}

static void add(struct ms_flame_colours *colours, const char *name, unsigned colour) {
    uint32_t at = colours->legend_count++;
    colours->legend[at].name = name;
    colours->legend[at].colour = colour;
}

static void choose_kinds(struct ms_flame_colours *colours, const struct ms_stack_tree *tree,
                         const bool *drawn) {
    bool seen[KINDS] = {false};
    for (uint32_t node = 1; node < tree->node_count; node++)
        if (drawn[node])
            seen[kind_of(colours, &tree->steps[tree->nodes[node].step])] = true;
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (seen[kind])
            add(colours, kinds[kind].name, kinds[kind].colour);
}

static unsigned owner_colour(const struct ms_flame_colours *colours, const char *owner) {
    for (uint32_t i = 0; i < colours->legend_count; i++)
        if (colours->legend[i].name == owner || strcmp(colours->legend[i].name, owner) == 0)
            return colours->legend[i].colour;
    return SEVERAL;
}

static void choose_tasks(struct ms_flame_colours *colours, const struct ms_stack_tree *tree,
                         const bool *drawn) {
    for (uint32_t node = ms_stack_next(tree, 0, true); node != MS_NO_NODE;
         node = ms_stack_next(tree, node, true)) {
        const char *owner = tree->nodes[node].owner;
        if (!drawn[node] || owner == ms_several_owners || owner_colour(colours, owner) != SEVERAL)
            continue;
        if (colours->legend_count == MS_FLAME_LEGEND_MOST - 1)
            break;
        add(colours, owner, palette[colours->legend_count % PALETTE]);
    }
    add(colours, "several, or unknown", SEVERAL);
}

void ms_flame_colours_choose(struct ms_flame_colours *colours, const struct ms_stack_tree *tree,
                             const bool *drawn, bool by_task) {
    const struct ms_profile *profile = tree->contexts->summary->profile;
    const struct memscope_profile_header *header = ms_profile_header(profile);
    *colours =
        (struct ms_flame_colours){.by_task = by_task,
                                  .main_module = header->main_module_ref,
                                  .executable = ms_profile_string(profile, header->executable_ref)};
    if (by_task)
        choose_tasks(colours, tree, drawn);
    else
        choose_kinds(colours, tree, drawn);
}

unsigned ms_flame_colour(const struct ms_flame_colours *colours, const struct ms_stack_tree *tree,
                         uint32_t node) {
    if (node == 0)
        return 0xDDDDDD;
    const struct ms_step *step = &tree->steps[tree->nodes[node].step];
    unsigned colour = colours->by_task ? owner_colour(colours, tree->nodes[node].owner)
                                       : kinds[kind_of(colours, step)].colour;
    return shade(colour, step->function);
}
