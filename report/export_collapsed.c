// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collapsed stacks, for other tools' flame graphs: "main;serve(int);parse(char*) 4000", the
// outermost frame first, a line for each stack.

#include "sampling.h"
#include "stack_views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// A semicolon parts frames.
static char *name_of(const struct ms_step *step) {
    char *name = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&name, &bytes);
    if (!out)
        return NULL;
    ms_put_step_whole_name(out, step);
    if (fclose(out) != 0) {
        free(name);
        return NULL;
    }
    for (char *at = name; (at = strchr(at, ';'));)
        *at = ':';
    return name;
}

static memscope_status put_stack(const struct ms_stack_tree *tree, uint32_t node, char **names,
                                 uint32_t *way, FILE *out) {
    uint32_t length = 0;
    for (uint32_t at = node; at != 0; at = tree->nodes[at].parent)
        way[length++] = tree->nodes[at].step;
    while (length-- > 0) {
        char **name = &names[way[length]];
        if (!*name && !(*name = name_of(&tree->steps[way[length]])))
            return MEMSCOPE_OUT_OF_MEMORY;
        fprintf(out, "%s%s", *name, length > 0 ? ";" : "");
    }
    return MEMSCOPE_OK;
}

// No stacks: the last word is no number.
static void put_comments(const struct ms_summary *summary, const struct ms_stack_filters *filters,
                         FILE *out) {
    if (ms_sites_are_estimated(summary)) {
        fputs("# ", out);
        ms_put_estimates_comment(out, summary);
        fputc('\n', out);
    }
    if (ms_filters_first(filters)) {
        fputs("# ", out);
        ms_put_filters_comment(out, filters);
        fputc('\n', out);
    }
}

memscope_status ms_put_collapsed(const struct ms_contexts *contexts, enum ms_stack_measure by,
                                 const struct ms_stack_filters *filters, FILE *out) {
    const struct ms_stack_options options = {
        .by = by,
        .by_function = true,
        .keep_recursion = true,
        .keep_plumbing = true,
        .filters = filters ? *filters : (struct ms_stack_filters){0},
    };
    struct ms_stack_tree *tree;
    memscope_status status = ms_stack_tree_create(contexts, &options, &tree);
    if (status != MEMSCOPE_OK)
        return status;
    char **names = calloc(tree->step_count + 1, sizeof *names);
    uint32_t *way = calloc(tree->deepest + 1, sizeof *way);
    if (!names || !way)
        status = MEMSCOPE_OUT_OF_MEMORY;
    put_comments(contexts->summary, filters, out);
    for (uint32_t node = ms_stack_next(tree, 0, true); node != MS_NO_NODE && status == MEMSCOPE_OK;
         node = ms_stack_next(tree, node, true)) {
        uint64_t own = ms_stack_own(tree, node, by);
        if (own == 0)
            continue;
        status = put_stack(tree, node, names, way, out);
        fprintf(out, " %" PRIu64 "\n", own);
    }
    for (uint32_t i = 0; names && i < tree->step_count; i++)
        free(names[i]);
    free(names);
    free(way);
    ms_stack_tree_destroy(tree);
    return status;
}
