// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Trees of stacks from contexts made by construction: whole texts against golden files, sums with
// difference 0.

#include "claims.h"
#include "stacks.h"

#include <stdbool.h>
#include <string.h>

#include <report/stack_views.h>

static const struct ms_tree_options plain = {.min_percent = 0.5};

static struct ms_stack_tree *grow(const struct ms_contexts *contexts,
                                  struct ms_stack_options options) {
    struct ms_stack_tree *tree;
    ck_assert_int_eq(ms_stack_tree_create(contexts, &options, &tree), MEMSCOPE_OK);
    return tree;
}

static char *text_of(const struct ms_stack_tree *tree, const struct ms_tree_options *options) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_report_tree(tree, options, out), MEMSCOPE_OK);
    fclose(out);
    return text;
}

static void expect_golden(const char *name, const char *text) {
    char path[4096], wanted[65536];
    snprintf(path, sizeof path, GOLDEN "/%s", name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no %s; got:\n%s", path, text);
    size_t length = fread(wanted, 1, sizeof wanted - 1, file);
    fclose(file);
    wanted[length] = '\0';
    ck_assert_msg(strcmp(text, wanted) == 0, "%s differs; got:\n%s", path, text);
}

static void expect_words(const char *text, const char *words) {
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not in:\n%s", words, text);
}

static void expect_no_words(const char *text, const char *words) {
    ck_assert_msg(strstr(text, words) == NULL, "\"%s\" is in:\n%s", words, text);
}

// --- whole texts -------------------------------------------------------------------------------

START_TEST(tree_of_callees_is_as_the_golden_text) {
    struct ms_stack_tree *tree =
        grow(stacks_of_a_server(), (struct ms_stack_options){.by = MS_STACKS_BY_AT_PEAK});
    expect_golden("tree_callees.expected", text_of(tree, &plain));
}
END_TEST

START_TEST(tree_of_callers_is_as_the_golden_text) {
    struct ms_stack_tree *tree =
        grow(stacks_of_a_server(),
             (struct ms_stack_options){.view = MS_STACKS_CALLERS, .by = MS_STACKS_BY_TOTAL});
    expect_golden("tree_callers.expected", text_of(tree, &plain));
}
END_TEST

START_TEST(tree_of_tasks_is_as_the_golden_text) {
    struct ms_stack_tree *tree =
        grow(stacks_of_a_server(),
             (struct ms_stack_options){.view = MS_STACKS_TASKS, .by = MS_STACKS_BY_LIVE});
    expect_golden("tree_tasks.expected", text_of(tree, &plain));
}
END_TEST

// --- sums --------------------------------------------------------------------------------------

// A stack's figures, from the books of the contexts themselves.
static uint64_t sum_of(const struct ms_contexts *contexts, enum ms_stack_measure measure) {
    uint64_t sum = ms_stack_value(&contexts->without, measure);
    for (size_t i = 0; i < contexts->count; i++)
        sum += ms_stack_value(&contexts->items[i].counts, measure);
    return sum;
}

START_TEST(every_level_adds_up_to_the_process_in_every_measure) {
    const struct ms_contexts *contexts = stacks_of_a_server();
    for (int view = MS_STACKS_CALLEES; view <= MS_STACKS_TASKS; view++) {
        struct ms_stack_tree *tree =
            grow(contexts, (struct ms_stack_options){.view = (enum ms_stack_view)view});
        for (int i = 0; i < MS_STACK_MEASURES; i++) {
            enum ms_stack_measure measure = (enum ms_stack_measure)i;
            uint64_t whole = sum_of(contexts, measure), ends = 0;
            ck_assert_uint_gt(whole, 0);
            ck_assert_uint_eq(tree->nodes[0].values[measure], whole);
            ck_assert_uint_eq(tree->whole[measure], whole);
            for (uint32_t level = 1; level <= tree->deepest; level++) {
                // What has ended above this level, and what goes through it.
                uint64_t sum = 0;
                for (uint32_t node = 0; node < tree->node_count; node++)
                    sum += tree->nodes[node].depth == level  ? tree->nodes[node].values[measure]
                           : tree->nodes[node].depth < level ? ms_stack_own(tree, node, measure)
                                                             : 0;
                ck_assert_uint_eq(sum, whole);
            }
            for (uint32_t node = 0; node < tree->node_count; node++)
                ends += ms_stack_own(tree, node, measure);
            ck_assert_uint_eq(ends, whole);
        }
    }
}
END_TEST

// The rows of a text that stand one branch below the first row, in bytes.
static uint64_t rows_of_first_level(const char *text, size_t *count_out) {
    uint64_t sum = 0;
    *count_out = 0;
    for (const char *line = text; (line = strchr(line, '\n')) && line[1];) {
        line++;
        char number[32] = "";
        size_t length = 0;
        const char *at = line;
        for (; (*at >= '0' && *at <= '9') || *at == ',' || *at == ' '; at++)
            if (*at >= '0' && *at <= '9' && length < sizeof number - 1)
                number[length++] = *at;
        const char *corner = strstr(line, "%  ");
        if (at[0] != 'B' || !corner || (strncmp(corner + 3, "├", 3) && strncmp(corner + 3, "└", 3)))
            continue;
        sum += strtoull(number, NULL, 10);
        ++*count_out;
    }
    return sum;
}

START_TEST(rows_and_what_they_hide_add_up) {
    const struct ms_contexts *contexts = stacks_of_a_server();
    struct ms_stack_tree *tree =
        grow(contexts, (struct ms_stack_options){.by = MS_STACKS_BY_AT_PEAK});
    uint64_t whole = sum_of(contexts, MS_STACKS_BY_AT_PEAK);
    const struct ms_tree_options cuts[] = {
        {0}, {.min_percent = 10}, {.top = 3}, {.top = 1, .depth = 2}, {.depth = 1}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        size_t rows;
        const char *text = text_of(tree, &cuts[i]);
        ck_assert_msg(rows_of_first_level(text, &rows) == whole, "%zu:\n%s", i, text);
        ck_assert_uint_ge(rows, 2);
    }
    expect_words(text_of(tree, &cuts[1]), "└ … 3 more\n");
    expect_words(text_of(tree, &cuts[1]), "…: --min 0 --top 0 --depth 0 show all\n");
    expect_no_words(text_of(tree, &cuts[0]), "…");
}
END_TEST

START_TEST(what_a_node_allocates_itself_has_a_row_beside_its_callees) {
    struct ms_contexts *contexts = stacks_begin(2);
    stacks_frame(stacks_add(contexts, 10), "f", "/a.c", 1);
    struct ms_context *deeper = stacks_add(contexts, 30);
    stacks_frame(deeper, "g", "/a.c", 9);
    stacks_frame(deeper, "f", "/a.c", 1);
    struct ms_stack_tree *tree = grow(contexts, (struct ms_stack_options){0});
    const char *text = text_of(tree, &plain);
    expect_words(text, "       40 B  100.0%  f()  a.c:1\n"
                       "       30 B   75.0%  ├ g()  a.c:9\n"
                       "       10 B   25.0%  └ (by itself)\n");
    tree = grow(contexts, (struct ms_stack_options){.view = MS_STACKS_CALLERS});
    expect_words(text_of(tree, &plain), "       30 B   75.0%  ├ g()  a.c:9\n"
                                        "       30 B   75.0%  │ f()  a.c:1\n"
                                        "       10 B   25.0%  └ f()  a.c:1\n");
}
END_TEST

START_TEST(sum_of_peaks_is_called_no_peak) {
    struct ms_stack_tree *tree =
        grow(stacks_of_a_server(), (struct ms_stack_options){.by = MS_STACKS_BY_PEAK});
    const char *text = text_of(tree, &plain);
    expect_words(text, "sum of peaks, each stack's own: no peak of the process");
    expect_words(text, "SUM OF PEAKS   SHARE  FRAME\n");
}
END_TEST

// --- recursion ---------------------------------------------------------------------------------

static struct ms_contexts *recursion(int turns) {
    struct ms_contexts *contexts = stacks_begin((size_t)turns);
    for (int i = 1; i <= turns; i++) {
        struct ms_context *context = stacks_add(contexts, 10);
        for (int turn = 0; turn < i; turn++)
            stacks_frame(context, "walk(node*)", "/a.cc", turn ? 7 : 8);
        stacks_frame(context, "main", "/a.cc", 1);
    }
    return contexts;
}

START_TEST(recursion_of_any_depth_is_one_frame_with_its_most_turns) {
    const struct ms_contexts *contexts = recursion(12);
    struct ms_stack_tree *folded = grow(contexts, (struct ms_stack_options){0});
    ck_assert_uint_eq(folded->node_count, 3);
    expect_words(text_of(folded, &plain), "      120 B  100.0%  walk() ×12  a.cc:8\n");
    struct ms_stack_tree *kept = grow(contexts, (struct ms_stack_options){.keep_recursion = true});
    ck_assert_uint_eq(kept->deepest, 13);
    expect_no_words(text_of(kept, &plain), "×");
}
END_TEST

START_TEST(functions_that_call_each_other_in_turns_are_folded_once_each) {
    struct ms_contexts *contexts = stacks_begin(1);
    struct ms_context *context = stacks_add(contexts, 10);
    static const char *const names[] = {"a", "b", "b", "c"};
    for (int i = 0; i < 40; i++)
        stacks_frame(context, names[i % 4], "/a.c", (uint32_t)(i + 1));
    struct ms_stack_tree *tree = grow(contexts, (struct ms_stack_options){0});
    ck_assert_uint_eq(tree->node_count, 1 + 3);
    const char *text = text_of(tree, &plain);
    expect_words(text, "c() ×10  a.c:4\n");
    expect_words(text, "b() ×20  a.c:2\n");
    expect_words(text, "a() ×10  a.c:1\n");
}
END_TEST

START_TEST(one_address_that_returns_to_itself_is_recursion_also_without_a_name) {
    struct ms_contexts *contexts = stacks_begin(1);
    struct ms_context *context = stacks_add(contexts, 10);
    static const uint32_t lines[] = {1, 1, 1, 2};
    for (size_t i = 0; i < 4; i++)
        stacks_frame(context, NULL, NULL, lines[i]);
    struct ms_stack_tree *tree = grow(contexts, (struct ms_stack_options){0});
    ck_assert_uint_eq(tree->node_count, 3);
    expect_words(text_of(tree, &plain), "app+0x1010 ×3\n");
}
END_TEST

// --- filters -----------------------------------------------------------------------------------

static uint64_t kept_by(struct ms_stack_options options) {
    options.by = MS_STACKS_BY_TOTAL;
    return grow(stacks_of_a_server(), options)->nodes[0].values[MS_STACKS_BY_TOTAL];
}

START_TEST(focus_keeps_and_ignore_drops_stacks_by_function_file_or_module) {
    uint64_t whole = sum_of(stacks_of_a_server(), MS_STACKS_BY_TOTAL);
    static const struct {
        const char *regex;
        uint64_t bytes;
    } cases[] = {
        {"^parse\\(char const\\*\\)$", 5000}, // as it is
        {"^parse\\(\\)$", 5000},              // as reports say it
        {"^std::string::_M_mutate", 2000},    // the same
        {"/src/log\\.cc", 2000},              // a file
        {"libapp\\.so$", 2000},               // a module
        {"^(fopen|job\\(\\))$", 1024 + 700},  // alternatives
        {"nothing", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ms_stack_filter *one = stacks_filter(cases[i].regex);
        ck_assert_uint_eq(kept_by((struct ms_stack_options){.filters.focus = one}), cases[i].bytes);
        ck_assert_uint_eq(kept_by((struct ms_stack_options){.filters.ignore = one}),
                          whole - cases[i].bytes);
    }
}
END_TEST

START_TEST(what_filters_leave_is_told_beside_the_whole) {
    const struct ms_stack_options options = {.by = MS_STACKS_BY_TOTAL,
                                             .filters.focus = stacks_filter("serve\\(")};
    const char *text = text_of(grow(stacks_of_a_server(), options), &plain);
    expect_words(text, "the filters leave 7,000 B of 13,548 B, 51.6%\n");
    expect_words(text, "    7,000 B   51.6%  all\n");
}
END_TEST

START_TEST(hidden_frames_go_and_their_bytes_stay) {
    uint64_t whole = sum_of(stacks_of_a_server(), MS_STACKS_BY_TOTAL);
    const struct ms_stack_options options = {.by = MS_STACKS_BY_TOTAL,
                                             .filters.hide = stacks_filter("^(serve|main)|libc")};
    struct ms_stack_tree *tree = grow(stacks_of_a_server(), options);
    const char *text = text_of(tree, &plain);
    ck_assert_uint_eq(tree->nodes[0].values[MS_STACKS_BY_TOTAL], whole);
    expect_no_words(text, "serve()");
    expect_words(text, "├ parse()  parse.cc:7\n");
    expect_words(text, "    1,024 B    7.5%  ├ [all frames hidden]\n");
}
END_TEST

START_TEST(stack_of_which_nothing_is_left_says_why) {
    struct ms_contexts *contexts = stacks_begin(2);
    stacks_frame(stacks_add(contexts, 10), "f", "/a.c", 1);
    struct ms_context *cut = stacks_add(contexts, 30);
    cut->flags = MEMSCOPE_CONTEXT_CUT;
    stacks_frame(cut, "f", "/a.c", 2);
    const struct ms_stack_options options = {.by = MS_STACKS_BY_TOTAL,
                                             .filters.hide = stacks_filter("^f$")};
    const char *text = text_of(grow(contexts, options), &plain);
    expect_words(text, "       30 B   75.0%  ├ [stack cut at the depth asked for]\n"
                       "       10 B   25.0%  └ [all frames hidden]\n");
    expect_no_words(text, "the filters leave");
}
END_TEST

// --- odd contexts ------------------------------------------------------------------------------

START_TEST(profile_without_stacks_is_told_and_adds_up) {
    struct ms_contexts *contexts = stacks_begin(1);
    contexts->without = (struct ms_counts){.allocations = 3, .bytes = 42};
    struct ms_stack_tree *tree =
        grow(contexts, (struct ms_stack_options){.by = MS_STACKS_BY_TOTAL});
    const char *text = text_of(tree, &plain);
    expect_words(text, "       42 B  100.0%  [counted by site alone]\n");
    expect_words(text, "the profile holds no stacks\n");
}
END_TEST

START_TEST(library_that_was_loaded_twice_is_one_frame) {
    static const struct ms_module twice[] = {{.id = 5, .path = "/lib/x.so", .map_start = 1},
                                             {.id = 6, .path = "/lib/x.so", .map_start = 2}};
    struct ms_contexts *contexts = stacks_begin(2);
    for (size_t i = 0; i < 2; i++) {
        struct ms_stack_frame *frame = stacks_frame(stacks_add(contexts, 5), NULL, NULL, 1);
        frame->module = &twice[i];
    }
    struct ms_stack_tree *tree = grow(contexts, (struct ms_stack_options){0});
    ck_assert_uint_eq(tree->node_count, 2);
    expect_words(text_of(tree, &plain), "       10 B  100.0%  x.so+0x1010\n");
}
END_TEST

START_TEST(texts_of_stacks_reach_no_terminal_raw) {
    struct ms_contexts *contexts = stacks_begin(1);
    struct ms_context *context = stacks_add(contexts, 5);
    stacks_frame(context, "f\033[2J\a(int)", "/a\n\xff.c", 1);
    context->task = "t\033";
    const char *unresolved[] = {"libx\033.so: gone"};
    contexts->unresolved = unresolved;
    contexts->unresolved_modules = 1;
    for (int view = MS_STACKS_CALLEES; view <= MS_STACKS_TASKS; view++) {
        const char *text = text_of(
            grow(contexts, (struct ms_stack_options){.view = (enum ms_stack_view)view}), &plain);
        for (const char *p = text; *p; p++)
            ck_assert_msg((unsigned char)*p >= 0x20 || *p == '\n', "0x%02x in:\n%s", *p, text);
        expect_words(text, "no names: libx\\x1b.so: gone\n");
    }
}
END_TEST

START_TEST(deep_stacks_that_branch_everywhere_stay_on_the_screen) {
    struct ms_contexts *contexts = stacks_begin(60);
    for (uint32_t i = 0; i < 60; i++) {
        struct ms_context *context = stacks_add(contexts, 5);
        for (uint32_t line = i + 1; line > 0; line--)
            stacks_frame(context, line % 2 ? "f" : "g", "/a.c", line);
    }
    struct ms_stack_tree *tree = grow(contexts, (struct ms_stack_options){.keep_recursion = true});
    const struct ms_tree_options narrow = {.width = 120};
    const char *text = text_of(tree, &narrow);
    expect_words(text, "(45) g()  a.c:46\n");
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        char *copy = strndup(line, (size_t)(strchr(line, '\n') - line));
        ck_assert_uint_le(ms_columns(copy), 120);
        free(copy);
    }
}
END_TEST

static uint64_t cpu_ms(void) {
    return ms_clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000000;
}

// 60,000 stacks of 30 frames, hardly any with the same way: over a million nodes.
START_TEST(many_stacks_are_shown_in_seconds) {
    static struct ms_stack_frame frames[60000][30];
    static char names[1000][16];
    struct ms_contexts *contexts = stacks_begin(60000);
    uint64_t random = 1;
    for (size_t i = 0; i < 1000; i++)
        snprintf(names[i], sizeof names[i], "f%zu(int)", i);
    for (size_t i = 0; i < 60000; i++) {
        for (size_t k = 0; k < 30; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            frames[i][k] = (struct ms_stack_frame){.function = names[random >> 33 & 511],
                                                   .file = "/a.c",
                                                   .line = (uint32_t)(random >> 60)};
        }
        contexts->items[i] = (struct ms_context){
            .frames = frames[i], .frame_count = 30, .counts = {.allocations = 1, .bytes = 7}};
    }
    contexts->count = 60000;
    uint64_t start_ms = cpu_ms();
    struct ms_stack_tree *tree =
        grow(contexts, (struct ms_stack_options){.by = MS_STACKS_BY_TOTAL});
    const char *text = text_of(tree, &plain);
    FILE *null = fopen("/dev/null", "w");
    ck_assert_int_eq(ms_put_flame(tree, &(struct ms_flame_options){0}, null), MEMSCOPE_OK);
    ck_assert_int_eq(ms_put_collapsed(contexts, MS_STACKS_BY_TOTAL, NULL, null), MEMSCOPE_OK);
    ck_assert_int_eq(ms_put_pprof(contexts, NULL, null), MEMSCOPE_OK);
    fclose(null);
    ck_assert_uint_lt(cpu_ms() - start_ms, 15000);
    ck_assert_uint_eq(tree->nodes[0].values[MS_STACKS_BY_TOTAL], 420000);
    ck_assert_uint_gt(tree->node_count, 1000000);
    expect_words(text, "   420.0 kB  100.0%  all\n");
}
END_TEST

static const struct claim claims[] = {
    CLAIM(tree_of_callees_is_as_the_golden_text),
    CLAIM(tree_of_callers_is_as_the_golden_text),
    CLAIM(tree_of_tasks_is_as_the_golden_text),
    CLAIM(every_level_adds_up_to_the_process_in_every_measure),
    CLAIM(rows_and_what_they_hide_add_up),
    CLAIM(what_a_node_allocates_itself_has_a_row_beside_its_callees),
    CLAIM(sum_of_peaks_is_called_no_peak),
    CLAIM(recursion_of_any_depth_is_one_frame_with_its_most_turns),
    CLAIM(functions_that_call_each_other_in_turns_are_folded_once_each),
    CLAIM(one_address_that_returns_to_itself_is_recursion_also_without_a_name),
    CLAIM(focus_keeps_and_ignore_drops_stacks_by_function_file_or_module),
    CLAIM(what_filters_leave_is_told_beside_the_whole),
    CLAIM(hidden_frames_go_and_their_bytes_stay),
    CLAIM(stack_of_which_nothing_is_left_says_why),
    CLAIM(profile_without_stacks_is_told_and_adds_up),
    CLAIM(library_that_was_loaded_twice_is_one_frame),
    CLAIM(texts_of_stacks_reach_no_terminal_raw),
    CLAIM(deep_stacks_that_branch_everywhere_stay_on_the_screen),
    CLAIM(many_stacks_are_shown_in_seconds),
};

int main(void) {
    return RUN_CLAIMS("stacks", claims);
}
