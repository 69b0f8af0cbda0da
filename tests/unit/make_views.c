// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// make_views KIND FILE: what is made of contexts by construction, for tests that read it back with
// other programs.

#include "stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <report/stack_views.h>

// Names that want to be markup, or worse.
static struct ms_contexts *odd_names(void) {
    struct ms_contexts *contexts = stacks_begin(2);
    struct ms_context *context = stacks_add(contexts, 10000000);
    stacks_frame(context, "]]></text><script>alert(\"&amp;\")</script>;operator<(X&&, 'y')",
                 "/a\"b<c>&.cc", 7);
    stacks_frame(context, "f\xEF\xBF\xBF\xEF\xBF\xBE\xff\033\n(int)", "/x\ty.c", 1);
    context->task = "t<\"&>";
    // A hundred thousandth of the rest: narrower than a tenth of a pixel.
    stacks_frame(stacks_add(contexts, 100), "narrow", "/a.c", 1);
    return contexts;
}

static memscope_status put_flame(const struct ms_contexts *contexts, enum ms_stack_view view,
                                 struct ms_flame_options flame, FILE *out) {
    const struct ms_stack_options options = {.view = view, .by = MS_STACKS_BY_AT_PEAK};
    struct ms_stack_tree *tree;
    memscope_status status = ms_stack_tree_create(contexts, &options, &tree);
    if (status == MEMSCOPE_OK)
        status = ms_put_flame(tree, &flame, out);
    ms_stack_tree_destroy(tree);
    return status;
}

static memscope_status put(const char *kind, FILE *out) {
    static const struct ms_flame_options plain, icicle = {.icicle = true},
                                                by_task = {.by_task = true};
    if (strcmp(kind, "flame") == 0)
        return put_flame(stacks_of_a_server(), MS_STACKS_CALLEES, plain, out);
    if (strcmp(kind, "icicle") == 0)
        return put_flame(stacks_of_a_server(), MS_STACKS_CALLERS, icicle, out);
    if (strcmp(kind, "by-task") == 0)
        return put_flame(stacks_of_a_server(), MS_STACKS_TASKS, by_task, out);
    if (strcmp(kind, "odd") == 0)
        return put_flame(odd_names(), MS_STACKS_TASKS, by_task, out);
    if (strcmp(kind, "empty") == 0)
        return put_flame(stacks_begin(1), MS_STACKS_CALLEES, plain, out);
    if (strcmp(kind, "collapsed") == 0)
        return ms_put_collapsed(stacks_of_a_server(), MS_STACKS_BY_TOTAL, NULL, out);
    if (strcmp(kind, "odd-collapsed") == 0)
        return ms_put_collapsed(odd_names(), MS_STACKS_BY_TOTAL, NULL, out);
    if (strcmp(kind, "pprof") == 0)
        return ms_put_pprof(stacks_of_a_server(), NULL, out);
    if (strcmp(kind, "odd-pprof") == 0)
        return ms_put_pprof(odd_names(), NULL, out);
    return MEMSCOPE_INVALID_ARGUMENT;
}

int main(int argc, char **argv) {
    FILE *out = argc == 3 ? fopen(argv[2], "w") : NULL;
    if (!out || put(argv[1], out) != MEMSCOPE_OK || fclose(out) != 0) {
        fputs("usage: make_views flame|icicle|by-task|odd|empty|collapsed|odd-collapsed|pprof|"
              "odd-pprof FILE\n",
              stderr);
        return 2;
    }
    return 0;
}
