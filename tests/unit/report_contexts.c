// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stacks in reports: whole texts against golden files, folding, suppressions.

#include "builder.h"
#include "claims.h"
#include "fake_symbolizer.h"
#include "stacks.h"

#include <report/leaks.h>
#include <report/report.h>
#include <report/stacks_text.h>

static struct builder b;
static struct ms_summary *summary;
static struct ms_contexts *contexts;

static void begin(void) {
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    begin_folder();
    builder_stacks(&b, path_of("app"), 0);
    builder_header(&b)->options_ref = builder_string(&b, "output=x:depth=7");
    write_module(path_of("app"), &b, 10);
    struct ms_resolve_options options = {
        .symbolizer = symbolizer_of(stacks_codes, sizeof stacks_codes / sizeof *stacks_codes),
        .timeout_ms = 20000};
    ck_assert_int_eq(ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message),
                     MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_resolve(summary, &options), MEMSCOPE_OK);
    ck_assert_int_eq(ms_contexts_create(summary, &options, &contexts), MEMSCOPE_OK);
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

START_TEST(summary_with_stacks_is_as_the_golden_text) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    begin();
    struct ms_report_options options = {
        .order = MS_ORDER_AT_PEAK, .top = 15, .contexts = contexts, .stacks = 4};
    ck_assert_int_eq(ms_report_text(summary, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("stacks.expected", text);
    end_folder();
}
END_TEST

START_TEST(leaks_are_as_the_golden_text) {
    char *text = NULL, message[MS_MESSAGE_BYTES];
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    struct ms_suppressions suppressions;
    struct ms_leaks *leaks;
    struct ms_leaks_options options = {.top = 4};
    begin();
    write_file(path_of("some"), "leak:^walk\n", 11);
    ck_assert_int_eq(ms_suppressions_read(path_of("some"), &suppressions, message), MEMSCOPE_OK);
    ck_assert_int_eq(ms_leaks_create(contexts, &suppressions, NULL, &leaks), MEMSCOPE_OK);
    ck_assert_uint_eq(leaks->bytes, summary->total.live_bytes);
    ck_assert_uint_eq(leaks->blocks, summary->total.live_allocations);
    ck_assert_int_eq(ms_report_leaks(leaks, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("leaks.expected", text);
    ms_leaks_destroy(leaks);
    ms_suppressions_free(&suppressions);
    end_folder();
}
END_TEST

static char *filtered_leaks(struct ms_suppressions *suppressions,
                            const struct ms_stack_filters *filters, struct ms_leaks **leaks_out) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    struct ms_leaks_options options = {0};
    ck_assert_int_eq(ms_leaks_create(contexts, suppressions, filters, leaks_out), MEMSCOPE_OK);
    ck_assert_int_eq(ms_report_leaks(*leaks_out, &options, out), MEMSCOPE_OK);
    fclose(out);
    return text;
}

START_TEST(what_focus_keeps_and_ignore_drops_is_all_that_is_alive) {
    static const struct {
        const char *regex;
        uint64_t bytes, blocks;
    } cases[] = {
        {"^walk\\(\\)$", 20000, 1},        // as reports say it
        {"^walk\\(node\\*\\)$", 20000, 1}, // as it is
        {"/tree\\.cc$", 20007, 2},         // what has no stack has its site's frames
        {"libfoo\\.so$", 3000, 1},         // a module
        {"^(session|handle)\\(", 4133, 5}, // who awaits, and who was inlined
        {"nothing", 0, 0},
        {".", 27640, 9},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ms_stack_filter *one = stacks_filter(cases[i].regex);
        const struct ms_stack_filters focus = {.focus = one}, ignore = {.ignore = one},
                                      hide = {.hide = one};
        struct ms_leaks *kept, *dropped, *hidden;
        filtered_leaks(NULL, &focus, &kept);
        filtered_leaks(NULL, &ignore, &dropped);
        filtered_leaks(NULL, &hide, &hidden);
        ck_assert_uint_eq(kept->bytes, cases[i].bytes);
        ck_assert_uint_eq(kept->blocks, cases[i].blocks);
        ck_assert_uint_eq(kept->bytes + dropped->bytes, summary->total.live_bytes);
        ck_assert_uint_eq(kept->blocks + dropped->blocks, summary->total.live_allocations);
        ck_assert_uint_eq(kept->count + dropped->count, hidden->count);
        ck_assert_uint_eq(hidden->bytes, summary->total.live_bytes);
        ck_assert_int_eq(ms_leaks_any(kept), cases[i].blocks > 0);
        const struct ms_leaks *all[] = {kept, dropped, hidden};
        for (size_t k = 0; k < 3; k++) {
            ck_assert_uint_eq(all[k]->all.bytes, summary->total.live_bytes);
            ck_assert_uint_eq(all[k]->all.blocks, summary->total.live_allocations);
        }
        ms_leaks_destroy(kept);
        ms_leaks_destroy(dropped);
        ms_leaks_destroy(hidden);
    }
    end_folder();
}
END_TEST

START_TEST(filtered_leaks_are_as_the_golden_text) {
    const struct ms_stack_filters filters = {
        .focus = stacks_filter("net\\.cc|walk|^grow"),
        .ignore = stacks_filter("pool\\.cc"),
        .hide = stacks_filter("^(read|walk|main|grow)\\(|^main$|accept_loop"),
    };
    struct ms_suppression suppression = {.pattern = (char *)"^walk", .line = 1};
    struct ms_suppressions suppressions = {1, &suppression};
    struct ms_leaks *leaks;
    begin();
    expect_golden("filtered_leaks.expected", filtered_leaks(&suppressions, &filters, &leaks));
    // A frame that is hidden still suppresses.
    ck_assert_uint_eq(suppression.bytes, 20000);
    ck_assert_uint_eq(leaks->suppressed_bytes, 20000);
    ms_leaks_destroy(leaks);
    end_folder();
}
END_TEST

START_TEST(contexts_in_json_are_as_the_golden_text) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    begin();
    struct ms_report_options options = {.order = MS_ORDER_AT_PEAK, .contexts = contexts};
    ck_assert_int_eq(ms_report_json(summary, NULL, &options, out), MEMSCOPE_OK);
    fclose(out);
    char *from = strstr(text, "  \"contexts\": [");
    ck_assert_ptr_nonnull(from);
    char *to = strstr(from, "\n  ]");
    ck_assert_ptr_nonnull(to);
    strcpy(to, "\n  ]\n");
    expect_golden("contexts.expected", from);
    end_folder();
}
END_TEST

// Frames by letters: "abab" is f() in turn with g(). Gives "(ab)2".
static const char *folded(const char *letters) {
    static char text[128];
    static const char *const functions[] = {"a", "b", "c", "d", "e"};
    struct ms_stack_frame frames[64] = {{0}};
    struct ms_fold folds[64];
    uint32_t count = (uint32_t)strlen(letters);
    for (uint32_t i = 0; i < count; i++)
        frames[i] = (struct ms_stack_frame){.function = functions[letters[i] - 'a'], .line = 1};
    uint32_t fold_count = ms_fold_stack(frames, count, folds);
    text[0] = '\0';
    for (uint32_t i = 0; i < fold_count; i++) {
        char one[32];
        snprintf(one, sizeof one, folds[i].times > 1 ? "(%.*s)%u" : "%.*s", (int)folds[i].length,
                 letters + folds[i].first, folds[i].times);
        strcat(text, one);
    }
    return text;
}

START_TEST(recursion_folds_up_to_cycles_of_four) {
    static const char *const pairs[][2] = {
        {"", ""},
        {"abc", "abc"},
        {"aab", "(a)2b"},
        {"abababc", "(ab)3c"},
        {"eabcabcd", "e(abc)2d"},
        {"abcdabcd", "(abcd)2"},
        {"abcdeabcde", "abcdeabcde"}, // five are too many
        {"aaaa", "(a)4"},
        {"abcaabca", "(abca)2"},
        {"aabaab", "(aab)2"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        ck_assert_str_eq(folded(pairs[i][0]), pairs[i][1]);
}
END_TEST

START_TEST(patterns_match_as_leak_sanitizers_do) {
    static const struct {
        const char *pattern, *text;
        bool matches;
    } claims_of_patterns[] = {
        {"foo", "foobar", true},   {"foo", "barfoo", true},
        {"foo", "fo", false},      {"^foo", "barfoo", false},
        {"^foo", "foobar", true},  {"foo$", "barfoo", true},
        {"foo$", "foobar", false}, {"foo$", "foo foo", true},
        {"^foo$", "foo", true},    {"a*c", "xxabbcxx", true},
        {"a*c", "cab", false},     {"^a*c$", "abcbc", true},
        {"^a*c$", "abcb", false},  {"*", "x", true},
        {"**", "x", true},         {"^*", "x", true},
        {"*x*y*", "0x1y", true},   {"$_0", "f()::$_0::operator()()", true},
        {"foo", "", false},        {"*", NULL, false},
        {"^", "x", true},          {"$", "x", false},
    };
    for (size_t i = 0; i < sizeof claims_of_patterns / sizeof *claims_of_patterns; i++)
        ck_assert_msg(
            ms_pattern_matches(claims_of_patterns[i].pattern, claims_of_patterns[i].text) ==
                claims_of_patterns[i].matches,
            "%s %s", claims_of_patterns[i].pattern,
            claims_of_patterns[i].text ? claims_of_patterns[i].text : "(null)");
}
END_TEST

static const struct claim claims[] = {
    CLAIM(summary_with_stacks_is_as_the_golden_text),
    CLAIM(leaks_are_as_the_golden_text),
    CLAIM(what_focus_keeps_and_ignore_drops_is_all_that_is_alive),
    CLAIM(filtered_leaks_are_as_the_golden_text),
    CLAIM(contexts_in_json_are_as_the_golden_text),
    CLAIM(recursion_folds_up_to_cycles_of_four),
    CLAIM(patterns_match_as_leak_sanitizers_do),
};

int main(void) {
    return RUN_CLAIMS("report", claims);
}
