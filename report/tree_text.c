// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tree of stacks as text. An only child stands right below its parent, not further in: stacks
// are deep, and most of a stack does not branch. Each level adds up: what ends at a node and what
// is not shown have lines of their own.

#include "sampling.h"
#include "stack_views.h"

#include <inttypes.h>
#include <profile/sampling.h>
#include <stdlib.h>

#define ROW "%11s  %6s  "
#define BOLD "\033[1m"
#define WARN "\033[33m"
#define PLAIN "\033[0m"
#define LEVELS_DRAWN 40u
#define UNRESOLVED_SHOWN 4

struct view {
    const struct ms_stack_tree *tree;
    const struct ms_tree_options *options;
    const bool *shown;
    uint32_t *levels;        // by node: branches above it
    bool *has_rest;          // by node: whether put_rest has a row for it
    bool more[LEVELS_DRAWN]; // by level: whether siblings follow
    bool any_hidden;
    FILE *out;
};

static const char *format_value(const struct ms_stack_tree *tree, uint64_t value, bool is_estimated,
                                char text_out[MS_NUMBER_BYTES]) {
    return ms_format_amount(value, ms_stack_measure_is_bytes(tree->options.by), is_estimated,
                            text_out);
}

static uint64_t value_of(const struct view *view, uint32_t node) {
    return view->tree->nodes[node].values[view->tree->options.by];
}

// --- rows --------------------------------------------------------------------------------------

enum corner { CORNER_NONE, CORNER_MORE, CORNER_LAST };

// `variance` below 0: not known.
static void put_numbers(FILE *out, const struct view *view, uint64_t value, bool is_estimated,
                        double variance) {
    char text[MS_NUMBER_BYTES], share[MS_NUMBER_BYTES];
    const struct ms_stack_tree *tree = view->tree;
    fprintf(out, ROW, format_value(tree, value, is_estimated, text),
            ms_format_percent(value, tree->whole[tree->options.by], share));
    if (!tree->is_estimated)
        return;
    bool is_bytes = ms_stack_measure_is_bytes(tree->options.by);
    if (is_estimated && variance >= 0)
        fprintf(out, "%12s  ", ms_format_error(ms_error_95(variance), is_bytes, text));
    else
        fprintf(out, "%11s  ", is_estimated ? "" : "exact");
}

static void put_corner(FILE *out, const struct view *view, uint32_t level, enum corner corner) {
    for (uint32_t i = 1; i < LEVELS_DRAWN && i < level + (corner == CORNER_NONE); i++)
        fputs(view->more[i] ? "│ " : "  ", out);
    if (level >= LEVELS_DRAWN)
        fprintf(out, "(%" PRIu32 ") ", level);
    else if (corner != CORNER_NONE)
        fputs(corner == CORNER_MORE ? "├ " : "└ ", out);
}

static bool is_cut_off(const struct view *view, uint32_t node) {
    const struct ms_stack_node *at = &view->tree->nodes[node];
    return view->options->depth > 0 && at->depth == view->options->depth &&
           at->first != MS_NO_NODE && value_of(view, at->first) > 0;
}

static void put_step(FILE *out, const struct view *view, uint32_t node) {
    const struct ms_stack_node *at = &view->tree->nodes[node];
    char text[MS_NUMBER_BYTES];
    if (node == 0) {
        fputs("all", out);
        return;
    }
    const struct ms_step *step = &view->tree->steps[at->step];
    ms_put_step_name(out, step);
    if (at->repeats > 1)
        fprintf(out, " ×%s", ms_format_count(at->repeats, text));
    bool is_owner = step->kind == MS_STEP_TASK || step->kind == MS_STEP_THREAD;
    bool has_place =
        step->kind < MS_STEP_CUT && (step->file || (step->module && (is_owner || step->function)));
    if (has_place) {
        fputs(is_owner ? "  (" : "  ", out);
        ms_put_step_place(out, view->tree->contexts->summary, step);
        fputs(is_owner ? ")" : "", out);
    }
    if (is_cut_off(view, node))
        fputs(" …", out);
}

static memscope_status put_row(const struct view *view, uint32_t node, enum corner corner) {
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (stream) {
        put_numbers(stream, view, value_of(view, node), view->tree->nodes[node].is_estimated,
                    view->tree->nodes[node].variance);
        put_corner(stream, view, view->levels[node], corner);
        put_step(stream, view, node);
    }
    return ms_line_end(&line, view->out, view->options->width);
}

// --- what has no row of its own ----------------------------------------------------------------

struct rest {
    struct ms_hidden hidden; // children that are not shown
    uint64_t own;            // what ends at the node
};

static struct rest rest_of(const struct view *view, uint32_t node) {
    if (is_cut_off(view, node))
        return (struct rest){0};
    return (struct rest){
        .hidden = ms_tree_hidden(view->tree, view->shown, node),
        .own = view->tree->nodes[node].first == MS_NO_NODE
                   ? 0
                   : ms_stack_own(view->tree, node, view->tree->options.by),
    };
}

// Nothing in it is no row.
static bool is_shown(const struct view *view, uint32_t node) {
    return node != MS_NO_NODE && view->shown[node] && value_of(view, node) > 0;
}

static void put_rest(struct view *view, uint32_t node) {
    struct rest rest = rest_of(view, node);
    uint32_t level = view->levels[node] + 1;
    bool about = view->tree->nodes[node].is_estimated;
    char text[MS_NUMBER_BYTES];
    if (rest.own > 0) {
        put_numbers(view->out, view, rest.own, about, -1);
        put_corner(view->out, view, level, rest.hidden.value > 0 ? CORNER_MORE : CORNER_LAST);
        fputs(node == 0 || view->tree->options.view == MS_STACKS_CALLERS ? "(no caller)\n"
                                                                         : "(by itself)\n",
              view->out);
    }
    if (rest.hidden.value > 0) {
        put_numbers(view->out, view, rest.hidden.value, about, -1);
        put_corner(view->out, view, level, CORNER_LAST);
        fprintf(view->out, "… %s more\n", ms_format_count(rest.hidden.count, text));
        view->any_hidden = true;
    }
}

// --- the whole ---------------------------------------------------------------------------------

// Puts the row of a node whose parent has been put.
static memscope_status enter(struct view *view, uint32_t node) {
    const struct ms_stack_node *at = &view->tree->nodes[node];
    bool is_first = view->tree->nodes[at->parent].first == node;
    if (is_first) {
        struct rest rest = rest_of(view, at->parent);
        view->has_rest[at->parent] = rest.own > 0 || rest.hidden.value > 0;
    }
    bool is_last = !is_shown(view, at->next) && !view->has_rest[at->parent];
    view->levels[node] = view->levels[at->parent] + !(is_first && is_last);
    if (is_first && is_last)
        return put_row(view, node, CORNER_NONE);
    if (view->levels[node] < LEVELS_DRAWN)
        view->more[view->levels[node]] = !is_last;
    return put_row(view, node, is_last ? CORNER_LAST : CORNER_MORE);
}

static memscope_status put_nodes(struct view *view) {
    const struct ms_stack_node *nodes = view->tree->nodes;
    memscope_status status = put_row(view, 0, CORNER_NONE);
    uint32_t node = 0;
    while (status == MEMSCOPE_OK) {
        if (is_shown(view, nodes[node].first)) {
            node = nodes[node].first;
            status = enter(view, node);
            continue;
        }
        put_rest(view, node);
        while (node != 0 && !is_shown(view, nodes[node].next)) {
            node = nodes[node].parent;
            put_rest(view, node);
        }
        if (node == 0)
            break;
        node = nodes[node].next;
        status = enter(view, node);
    }
    return status;
}

static void put_head(const struct view *view) {
    static const char *const orders[] = {
        [MS_STACKS_CALLEES] = "callers above callees",
        [MS_STACKS_CALLERS] = "callees above callers",
        [MS_STACKS_TASKS] = "by task and await chain",
    };
    static const char *const columns[] = {
        [MS_STACKS_BY_LIVE] = "LIVE",       [MS_STACKS_BY_PEAK] = "SUM OF PEAKS",
        [MS_STACKS_BY_AT_PEAK] = "AT PEAK", [MS_STACKS_BY_TOTAL] = "TOTAL",
        [MS_STACKS_BY_COUNT] = "CALLS",     [MS_STACKS_BY_TEMPORARY] = "TEMPORARY",
    };
    const struct ms_stack_tree *tree = view->tree;
    const struct ms_summary *summary = tree->contexts->summary;
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    const char *executable = ms_profile_string(summary->profile, header->executable_ref);
    char text[MS_NUMBER_BYTES];
    ms_put_clean(view->out, executable ? ms_base_name(executable) : "(unknown program)");
    fprintf(view->out, " %" PRIu64 "  %s, %s  %s stack%s\n", header->pid,
            ms_stack_measure_meaning(tree->options.by), orders[tree->options.view],
            ms_format_count(tree->stack_count, text), tree->stack_count == 1 ? "" : "s");
    const struct ms_filtered filtered = {
        .kept = tree->nodes[0].values[tree->options.by],
        .whole = tree->whole[tree->options.by],
        .kept_is_estimated = tree->nodes[0].is_estimated,
        .whole_is_estimated = tree->is_estimated,
        .is_bytes = ms_stack_measure_is_bytes(tree->options.by),
    };
    if (filtered.kept < filtered.whole)
        ms_put_filtered(view->out, &filtered);
    ms_put_estimates(view->out, summary);
    fprintf(view->out, "%s" ROW, view->options->colour ? BOLD : "", columns[tree->options.by],
            "SHARE");
    if (tree->is_estimated)
        fprintf(view->out, "%12s  ", "±"); // 12 bytes, 11 columns
    fprintf(view->out, "FRAME%s\n", view->options->colour ? PLAIN : "");
}

static void warn(const struct view *view, size_t count, const char *one, const char *many) {
    char text[MS_NUMBER_BYTES];
    if (count > 0)
        fprintf(view->out, "%s%s %s%s\n", view->options->colour ? WARN : "",
                ms_format_count(count, text), count == 1 ? one : many,
                view->options->colour ? PLAIN : "");
}

static void put_foot(const struct view *view) {
    const struct ms_contexts *contexts = view->tree->contexts;
    if (view->any_hidden || view->options->depth > 0)
        fputs("…: --min 0 --top 0 --depth 0 show all\n", view->out);
    if (contexts->count == 0)
        fputs("the profile holds no stacks\n", view->out);
    if (view->tree->is_estimated && view->tree->options.by == MS_STACKS_BY_PEAK)
        fputs(
            "peaks of what was sampled are not known: what lives, or lived at the process's peak, "
            "stands for them\n",
            view->out);
    warn(view, contexts->cut_count, "stack is cut at the depth asked for (option depth)",
         "stacks are cut at the depth asked for (option depth)");
    warn(view, contexts->broken_count, "stack could not be followed to its end",
         "stacks could not be followed to their ends");
    for (size_t i = 0; i < contexts->unresolved_modules && i < UNRESOLVED_SHOWN; i++) {
        fputs("no names: ", view->out);
        ms_put_clean(view->out, contexts->unresolved[i]);
        fputc('\n', view->out);
    }
    if (contexts->unresolved_modules > UNRESOLVED_SHOWN)
        fprintf(view->out, "no names: %zu more modules\n",
                contexts->unresolved_modules - UNRESOLVED_SHOWN);
    if (view->options->status)
        fprintf(view->out, "%sincomplete: %s%s\n", view->options->colour ? WARN : "",
                view->options->status, view->options->colour ? PLAIN : "");
}

memscope_status ms_report_tree(const struct ms_stack_tree *tree,
                               const struct ms_tree_options *options, FILE *out) {
    bool *shown = ms_tree_choose(tree, options);
    struct view view = {.tree = tree, .options = options, .shown = shown, .out = out};
    view.levels = calloc(tree->node_count, sizeof *view.levels);
    view.has_rest = calloc(tree->node_count, sizeof *view.has_rest);
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    if (shown && view.levels && view.has_rest) {
        put_head(&view);
        status = put_nodes(&view);
        put_foot(&view);
    }
    free(view.levels);
    free(view.has_rest);
    free(shown);
    return status;
}
