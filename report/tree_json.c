// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tree of stacks as JSON: a flat list of nodes, each behind its parent, since stacks are deeper
// than readers of nested JSON allow.

#include "json_parts.h"
#include "stack_views.h"

#include <math.h>
#include <memscope/memscope.h>
#include <profile/sampling.h>

static const char *kind_name(enum ms_step_kind kind) {
    static const char *const names[] = {
        [MS_STEP_CALL] = "stack",       [MS_STEP_AWAIT] = "await",     [MS_STEP_SPAWN] = "spawn",
        [MS_STEP_TASK] = "task",        [MS_STEP_THREAD] = "thread",   [MS_STEP_CUT] = "cut",
        [MS_STEP_BROKEN] = "broken",    [MS_STEP_FOREIGN] = "foreign", [MS_STEP_HIDDEN] = "hidden",
        [MS_STEP_WITHOUT] = "no_stack", [MS_STEP_FOLDED] = "folded",
    };
    return names[kind];
}

static void set_values(struct writer *writer, json_t *part, const uint64_t *values,
                       bool is_estimated) {
    static const char *const keys[] = {
        [MS_STACKS_BY_LIVE] = "live_bytes",       [MS_STACKS_BY_PEAK] = "sum_of_peaks_bytes",
        [MS_STACKS_BY_AT_PEAK] = "at_peak_bytes", [MS_STACKS_BY_TOTAL] = "bytes",
        [MS_STACKS_BY_COUNT] = "allocations",     [MS_STACKS_BY_TEMPORARY] = "temporary",
    };
    for (int i = 0; i < MS_STACK_MEASURES; i++)
        set(writer, part, keys[i],
            i == MS_STACKS_BY_PEAK && is_estimated ? json_null() : number(values[i]));
}

static json_t *tree_part(struct writer *writer, const struct ms_stack_tree *tree) {
    static const char *const views[] = {
        [MS_STACKS_CALLEES] = "callees",
        [MS_STACKS_CALLERS] = "callers",
        [MS_STACKS_TASKS] = "tasks",
    };
    const struct ms_contexts *contexts = tree->contexts;
    json_t *part = json_object(), *whole = json_object(), *unresolved = json_array();
    set_values(writer, whole, tree->whole, tree->is_estimated);
    for (size_t i = 0; i < contexts->unresolved_modules; i++)
        add(writer, unresolved, text_or_null(contexts->unresolved[i]));
    set(writer, part, "view", json_string(views[tree->options.view]));
    set(writer, part, "by", json_string(ms_stack_measure_name(tree->options.by)));
    set(writer, part, "stacks", number(tree->stack_count));
    set(writer, part, "cut_stacks", number(contexts->cut_count));
    set(writer, part, "broken_stacks", number(contexts->broken_count));
    set(writer, part, "unresolved", unresolved);
    set(writer, part, "estimated", json_boolean(tree->is_estimated));
    set(writer, part, "process", whole);
    return part;
}

static json_t *node_part(struct writer *writer, const struct ms_stack_tree *tree, uint32_t node,
                         const bool *shown) {
    const struct ms_stack_node *at = &tree->nodes[node];
    const struct ms_step *step = node ? &tree->steps[at->step] : NULL;
    struct ms_hidden hidden = ms_tree_hidden(tree, shown, node);
    json_t *part = json_object();
    set(writer, part, "id", number(node));
    set(writer, part, "parent", node ? number(at->parent) : json_null());
    set(writer, part, "kind", json_string(step ? kind_name(step->kind) : "root"));
    set_place(writer, part, step ? step->function : NULL, step ? step->file : NULL,
              step ? step->line : 0);
    set(writer, part, "module", text_or_null(step && step->module ? step->module->path : NULL));
    set(writer, part, "module_offset", step ? number_or_null(step->module_offset) : json_null());
    set(writer, part, "repeats", number(at->repeats));
    set_values(writer, part, at->values, at->is_estimated);
    set(writer, part, "estimated", json_boolean(at->is_estimated));
    set(writer, part, "error",
        at->is_estimated ? json_real(ceil(ms_error_95(at->variance))) : json_null());
    set(writer, part, "own", number(ms_stack_own(tree, node, tree->options.by)));
    set(writer, part, "hidden_children", number(hidden.count));
    set(writer, part, "hidden", number(hidden.value));
    return part;
}

memscope_status ms_report_tree_json(const struct ms_stack_tree *tree,
                                    const struct ms_tree_options *options, FILE *out) {
    struct writer writer = {.out = out, .first = true};
    bool *shown = ms_tree_choose(tree, options);
    if (!shown)
        return MEMSCOPE_OUT_OF_MEMORY;
    json_t *version = json_object();
    set(&writer, version, "version", json_string(MEMSCOPE_VERSION_STRING));
    put_member(&writer, "memscope", version);
    put_member(&writer, "profile",
               ms_json_profile(&writer, tree->contexts->summary, options->status));
    put_member(&writer, "tree", tree_part(&writer, tree));
    begin_array(&writer, "nodes");
    put_item(&writer, node_part(&writer, tree, 0, shown));
    for (uint32_t node = ms_stack_next(tree, 0, true); node != MS_NO_NODE;) {
        if (shown[node])
            put_item(&writer, node_part(&writer, tree, node, shown));
        node = ms_stack_next(tree, node, shown[node]);
    }
    end_array(&writer);
    fputs("\n}\n", out);
    free(shown);
    return writer.failed ? MEMSCOPE_OUT_OF_MEMORY : MEMSCOPE_OK;
}
